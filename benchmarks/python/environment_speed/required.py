"""What the figures must show."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from speed.verdict import Requirement

from environment_speed import batch, grid2op_peer, single
from environment_speed.groups import Row, find

__all__ = ["N_LANE", "requirements"]

N_LANE = 1024
MOST_US = 60.0
LEAST_STEPS = 200_000.0
LEAST_GAIN = 1.7  # of a second thread
FREE = 1.9  # of two loops that share nothing; less, and somebody else has part of a core


def requirements(
    steps: Sequence[Row], threads: Sequence[Row], gains: Sequence[float]
) -> list[Requirement]:
    """Hold the figures against what is required of them; `gains` are of a second core."""
    alone = find(steps, what=single.PETTINGZOO)
    reference = find(steps, what=single.REFERENCE)
    many = find(steps, what=batch.BATCH, lanes=N_LANE)
    one, two = (find(threads, lanes=N_LANE, threads=n) for n in (1, 2))
    peers = [row for row in steps if row.time.what.startswith(grid2op_peer.GRID2OP)]
    peer = min(peers, key=lambda row: row.us, default=None)
    lanes, gain = f"{N_LANE:,} lanes", statistics.median(gains)
    return [
        _ratio("PettingZoo step against the reference with pandapower", reference, alone, 500.0),
        _at_most("PettingZoo step, us", alone.us if alone else None, MOST_US),
        _ratio(f"{lanes} against the PettingZoo environment, one core", alone, many, 10.0),
        _rate(f"{lanes}, environment steps/s on one core", many),
        _threads(f"{lanes}, two threads against one, on the wall", one, two, gain),
        Requirement(
            "two loops at once that share nothing against one, on the wall",
            gain,
            "times as much",
            None,
            is_required=False,
        ),
        _ratio("PettingZoo step against Grid2Op's fastest (a smaller grid)", peer, alone, None),
        _ratio(f"a lane of {lanes} against Grid2Op's fastest", peer, many, None),
    ]


def _ratio(text: str, slow: Row | None, fast: Row | None, least: float | None) -> Requirement:
    value = slow.us / fast.us if slow and fast else None
    if least is None:
        return Requirement(text, value, "times faster", None, is_required=False)
    holds = None if value is None else value >= least
    return Requirement(text, value, f"times faster (at least {least:g})", holds)


def _threads(text: str, one: Row | None, two: Row | None, gain: float) -> Requirement:
    """Require it where there are two cores to be had."""
    value = one.us / two.us if one and two else None
    return Requirement(
        text,
        value,
        f"times faster (at least {LEAST_GAIN:g} where two cores are free)",
        None if value is None else value >= LEAST_GAIN,
        is_required=gain >= FREE,
    )


def _at_most(text: str, value: float | None, most: float) -> Requirement:
    """Aim at it; what is required are ratios."""
    holds = None if value is None else value <= most
    return Requirement(text, value, f"(aim: at most {most:g})", holds, is_required=False)


def _rate(text: str, row: Row | None) -> Requirement:
    """Aim at it, as well."""
    value = row.steps_a_second if row else None
    holds = None if value is None else value >= LEAST_STEPS
    return Requirement(text, value, f"(aim: at least {LEAST_STEPS:,.0f})", holds, is_required=False)
