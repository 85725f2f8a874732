"""What was found, as JSON and as a page."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from speed.markdown import table

from environment_evidence.batch_parity import SameBits
from environment_evidence.endurance import Endurance
from environment_evidence.parity import ULPS, WITHIN, Parity

__all__ = ["Evidence", "content", "page"]


@dataclass(frozen=True)
class Evidence:
    """Everything that was found.

    Attributes
    ----------
    seconds
        How long each part took.
    """

    machine: dict[str, Any]
    parity: dict[str, Parity]
    bits: Sequence[SameBits]
    endurance: Sequence[Endurance]
    seconds: dict[str, float]

    @property
    def holds(self) -> bool:
        """Whether all of it is as it has to be."""
        return all(x.holds for x in (*self.parity.values(), *self.bits, *self.endurance))


def content(found: Evidence) -> dict[str, Any]:
    """Return all that was found, for JSON."""
    return {
        "machine": found.machine,
        "seconds": {name: round(seconds, 1) for name, seconds in found.seconds.items()},
        "parity": {case: asdict(parity) for case, parity in found.parity.items()},
        "same_bits": [asdict(bits) for bits in found.bits],
        "endurance": [asdict(endurance) for endurance in found.endurance],
        "holds": found.holds,
    }


def page(found: Evidence) -> str:
    """Return the page."""
    machine = found.machine
    versions = ", ".join(
        f"{name} {version}" for name, version in machine["packages"].items() if version
    )
    origin = (
        f"`make evidence-env` on {machine['processor']}, {machine['python']}, {versions}. "
        f"{'All of it holds.' if found.holds else 'NOT ALL OF IT HOLDS.'}"
    )
    parts = [
        "# What the environment's engine is held to",
        textwrap.fill(origin, width=100),
        "## The engine beside the reference",
        textwrap.fill(
            "Episodes with extreme actions (anywhere and up to 30 % outside the space, at its "
            "ends, held there, swinging between them, and as far outside as single precision "
            'goes) on the engine and on `backend="reference"`: agents and devices in plain '
            "Python, pandapower's power flow. Differences are the largest found; of features, "
            "and of rewards with every number in the infos, absolute below 1 and relative above "
            f"(at most {WITHIN:.0e}); of observations in units of single precision's last place, "
            f"of 1 where they are smaller (at most {ULPS}). Two solvers leave different rests of a "
            "mismatch, and they do not shrink with a flow that happens to be nearly zero: the "
            "column behind counts observed numbers more than two of their own units apart. Taps "
            "and whatever else an environment answers have to be identical.",
            width=100,
        ),
        _parity(found.parity),
        "## A batch beside single environments",
        textwrap.fill(
            "A day in all lanes at once, with two threads where devices allow it, and the same "
            "one after the other in a single environment: features, rewards and observations bit "
            "for bit, under every instruction set of this machine.",
            width=100,
        ),
        _bits(found.bits),
        "## Living on",
        textwrap.fill(
            "Random actions, lanes starting anew by themselves. Memory is resident memory, and "
            "has to be flat (within 1 MB) after a tenth of the steps. Drift is the largest "
            "difference between the energy in a battery and what its episode began with less what "
            "has flowed since, efficiencies included, as a part of its capacity; what rounding "
            "explains is 4 eps a step. States of charge never left their limits by more than the "
            "excess.",
            width=100,
        ),
        _endurance(found.endurance),
    ]
    return "\n\n".join(parts) + "\n"


def _parity(parity: dict[str, Parity]) -> str:
    body = [
        [
            case,
            f"{p.n_episode:,}",
            f"{p.n_step:,}",
            f"{p.table * WITHIN:.1e}",
            f"{p.reward * WITHIN:.1e}",
            f"{p.ulp:.2g}",
            f"{p.n_own_ulp:,} of {p.n_seen:,}",
            f"{p.n_moved:,}",
            f"{p.n_tap + len(p.other):,}",
            _verdict(p.holds),
        ]
        for case, p in parity.items()
    ]
    head = ["", "episodes", "steps", "features", "rewards", "observations, ulp", "> 2 own ulp"]
    return table([*head, "tap moves", "other differences", ""], body)


def _bits(bits: Sequence[SameBits]) -> str:
    body = [
        [
            b.what,
            b.simd,
            f"{b.n_lane:,}",
            f"{b.n_step:,}",
            f"{b.n_number:,}",
            f"{b.n_different:,}",
            _verdict(b.holds),
        ]
        for b in bits
    ]
    head = ["", "instructions", "lanes", "steps", "numbers compared", "different", ""]
    return table(head, body)


def _endurance(endurance: Sequence[Endurance]) -> str:
    rows = [
        ("lanes", lambda e: f"{e.n_lane:,}"),
        ("steps of an episode", lambda e: f"{e.episode_steps:,}"),
        ("steps", lambda e: f"{e.n_step:,}"),
        ("episodes ended", lambda e: f"{e.n_episode:,}"),
        ("memory after a tenth, MB", lambda e: f"{e.rss_settled_mb:.2f}"),
        ("at most afterwards, MB", lambda e: f"{e.rss_most_mb:.2f}"),
        ("at the end, MB", lambda e: f"{e.rss_end_mb:.2f}"),
        ("batteries in a lane", lambda e: f"{e.n_battery}"),
        ("energy through batteries, MWh", lambda e: f"{e.flowed_mwh:,.0f}"),
        ("drift", lambda e: f"{e.drift:.1e}"),
        ("what rounding explains", lambda e: f"{e.drift_bound:.1e}"),
        ("excess of a state of charge", lambda e: f"{e.soc_excess:.1e}"),
        ("batteries at a limit", lambda e: f"{e.n_at_limit:,}"),
        ("numbers not finite", lambda e: f"{e.n_not_finite:,}"),
        ("power flows without solution", lambda e: f"{e.n_failed:,}"),
        ("", lambda e: _verdict(e.holds)),
    ]
    return table(
        ["", *(e.what for e in endurance)],
        [[name, *(show(e) for e in endurance)] for name, show in rows],
    )


def _verdict(holds: bool) -> str:
    return "holds" if holds else "FAILS"
