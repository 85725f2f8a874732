"""What the figures become: JSON, and Markdown for a page and for the README."""

from __future__ import annotations

import statistics
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from speed.markdown import table
from speed.verdict import Requirement

from environment_speed import batch, grid2op_peer, single
from environment_speed.groups import Row, find
from environment_speed.memory import Memory
from environment_speed.problem import EPISODE, SETUP
from environment_speed.stages import POWER_FLOW, Breakdown

__all__ = ["MARKS", "Figures", "content", "page", "readme_part"]

MARKS = ("<!-- env-speed:begin -->", "<!-- env-speed:end -->")


@dataclass(frozen=True)
class Figures:
    """All that was measured, and what it must show."""

    machine: dict[str, Any]
    n_turn: int
    steps: Sequence[Row]
    threads: Sequence[Row]
    gains: Sequence[float]  # of a second core for two loops that share nothing
    stages: Sequence[Breakdown]
    memory: Sequence[Memory]
    required: Sequence[Requirement]


def content(figures: Figures) -> dict[str, Any]:
    """Return all that was measured, for JSON."""
    return {
        "machine": figures.machine,
        "n_turn": figures.n_turn,
        "setup": SETUP,
        "episode_steps": EPISODE,
        "clock": "processor time of the process; of threads and stages, time on the wall",
        "results": {
            "steps": [_as_json(row) for row in figures.steps],
            "threads": [_as_json(row) for row in figures.threads],
        },
        "gain_of_second_core": [_round(gain) for gain in figures.gains],
        "stages": [
            {
                "lanes": found.n_lane,
                "total_us": _round(found.total_us),
                "stages_us": {name: _round(us) for name, us in found.stages_us.items()},
            }
            for found in figures.stages
        ],
        "memory": [asdict(memory) for memory in figures.memory],
        "requirements": [asdict(requirement) for requirement in figures.required],
    }


def page(figures: Figures) -> str:
    """Return the page with every table."""
    parts = [
        "# Speed of the environment",
        _origin(figures),
        "\n".join(f"- {requirement}" for requirement in figures.required),
        "## Steps on one core",
        _steps(figures.steps),
        "## Two threads",
        _explain_threads(figures.gains),
        _threads(figures.threads),
        "## Where the time goes",
        _explain_stages(figures.stages),
        _stages(figures.stages),
        "## Memory",
        _memory(figures.memory),
    ]
    return "\n\n".join(parts) + "\n"


def readme_part(figures: Figures) -> str:
    """Return what stands in the README between the marks."""
    rows = [row for row in figures.steps if int(row.time.key["lanes"]) not in (8, 256, 4096)]
    first = find(rows, what=single.REFERENCE)
    assert first is not None
    body = [[_name(row), *_speed(row), _ratio(first, row)] for row in rows]
    two = [row for row in figures.threads if row.time.key["threads"] == 2]
    best = min(two, key=lambda row: row.us)
    body.append([f"{_name(best)}, two threads", *_speed(best), _ratio(first, best)])
    machine = figures.machine
    origin = textwrap.fill(
        f"Setup `{SETUP}`: {first.time.key['agents']} agents, random actions, episodes of "
        f"{EPISODE} steps with their resets, one core of {machine['processor']} at "
        f"{machine['clock_ghz']} GHz, medians of {figures.n_turn} turns. Grid2Op's grid is "
        "smaller, and its resets are not counted.",
        width=100,
    )
    head = ["", "us a step", "environment steps/s", "agent steps/s", "to the reference"]
    return f"{origin}\n\n{table(head, body)}"


# --- tables -----------------------------------------------------------------------------------


def _steps(rows: Sequence[Row]) -> str:
    reference, alone = (find(rows, what=x) for x in (single.REFERENCE, single.PETTINGZOO))
    assert reference is not None
    assert alone is not None
    body = [
        [_name(row), *_speed(row), _ratio(reference, row), _ratio(alone, row), _error(row)]
        for row in rows
    ]
    ratios = ["times faster than the reference", "than the PettingZoo environment"]
    return table(
        ["", "us a step", "environment steps/s", "agent steps/s", *ratios, "answers"], body
    )


def _explain_threads(gains: Sequence[float]) -> str:
    return textwrap.fill(
        "Time on the wall, both cores at hand. Of two loops that share nothing this machine did "
        f"{statistics.median(gains):.2f} times as much meanwhile as of one: less than 2, and other "
        "processes had part of a core.",
        width=100,
    )


def _threads(rows: Sequence[Row]) -> str:
    body = []
    for n_lane in dict.fromkeys(row.time.key["lanes"] for row in rows):
        one, two = (find(rows, lanes=n_lane, threads=n) for n in (1, 2))
        assert one is not None
        assert two is not None
        body.append(
            [
                f"{n_lane:,}",
                _figure(one.steps_a_second),
                _figure(two.steps_a_second),
                _figure(two.agent_steps_a_second),
                _figure(one.us / two.us),
            ]
        )
    head = ["lanes", "1 thread, steps/s", "2 threads, steps/s", "agent steps/s", "times faster"]
    return table(head, body)


def _explain_stages(found: Sequence[Breakdown]) -> str:
    shares = ", ".join(f"{x.share(POWER_FLOW):.0%} {_of_lanes(x)}" for x in found)
    return textwrap.fill(
        "A clock on each stage, medians of the turns, microseconds of a step of one environment. "
        "For the clocks' sake stages are called one by one, which takes longer than above; "
        "the total is measured without the clocks, and what they do not see is the last row. The "
        f"power flow takes {shares}. New episodes are a {EPISODE}th for the PettingZoo "
        "environment, where the row has only what its stages do not; in a batch the row is all of "
        "them.",
        width=100,
    )


def _stages(found: Sequence[Breakdown]) -> str:
    names = list(dict.fromkeys(name for one in found for name in one.stages_us))
    total = max(found, key=lambda one: one.total_us)
    names.sort(key=lambda name: -total.stages_us.get(name, 0.0))
    body = [["all", *(f"{_figure(one.total_us)}" for one in found)]]
    for name in names:
        cells = [
            f"{_figure(one.stages_us[name])} ({one.share(name):.0%})"
            if name in one.stages_us
            else ""
            for one in found
        ]
        body.append([name, *cells])
    return table(["us a step", *(_of_lanes(one) for one in found)], body)


def _memory(found: Sequence[Memory]) -> str:
    smallest = found[0]
    body = [
        [
            f"{memory.n_lane:,}",
            _figure(memory.resident_mb),
            "" if memory is smallest else _figure(memory.kb_a_lane(smallest)),
            _figure(memory.state_kb),
        ]
        for memory in found
    ]
    head = ["lanes", "resident, MB", f"kB a lane beyond {smallest.n_lane:,}", "kB of state a lane"]
    return table(head, body)


def _name(row: Row) -> str:
    if row.time.what == batch.BATCH:
        return f"{batch.BATCH}, {row.time.key['lanes']:,} lanes"
    return row.time.what


def _speed(row: Row) -> list[str]:
    return [_figure(row.us), _figure(row.steps_a_second), _figure(row.agent_steps_a_second)]


def _ratio(slow: Row, fast: Row) -> str:
    return "1" if slow is fast else _figure(slow.us / fast.us)


def _error(row: Row) -> str:
    if row.time.what == single.REFERENCE:
        return "the measure"
    if row.error is None:
        return "not compared"
    if row.error == 0.0:
        return "the same bits"
    return f"within {row.error * single.WITHIN:.0e}"


def _of_lanes(found: Breakdown) -> str:
    return f"with {found.n_lane:,} lanes" if found.n_lane else "in the PettingZoo environment"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 99.5 else f"{value:.3g}"


def _round(value: float) -> float:
    return float(f"{value:.5g}")


def _as_json(row: Row) -> dict[str, Any]:
    return {
        "what": row.time.what,
        **row.time.key,
        "unit": row.time.unit,
        "n_in_turn": row.time.n,
        "median_us": _round(row.us),
        "turns_us": [_round(ns * 1e-3) for ns in row.time.turns_ns],
        "steps_a_second": _round(row.steps_a_second),
        "agent_steps_a_second": _round(row.agent_steps_a_second),
        "error": row.error,
    }


def _origin(figures: Figures) -> str:
    machine = figures.machine
    versions = ", ".join(
        f"{name} {version}" for name, version in machine["packages"].items() if version
    )
    peer = (
        f" {grid2op_peer.GRID2OP}: a control area of one agent, its resets not counted."
        if any(row.time.what.startswith(grid2op_peer.GRID2OP) for row in figures.steps)
        else ""
    )
    return textwrap.fill(
        f"Setup {SETUP}, medians of {figures.n_turn} turns on one core in one run. Actions are "
        f"random and drawn beforehand; episodes have {EPISODE} steps, their resets are in the "
        "time, and the lanes of a batch are out of phase. A step in which a lane only starts anew "
        f"is not counted as one.{peer} {machine['processor']} at {machine['clock_ghz']} GHz, load "
        f"{machine['load_average']} before the run, {machine['python']}, {versions}.",
        width=100,
    )
