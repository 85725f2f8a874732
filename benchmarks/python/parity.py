"""Compare the native power flow with pandapower, and check that it is near enough.

    python benchmarks/python/parity.py [--quick] [--out FOLDER]

Compares voltages, angles and loadings of the networks of the tests, what becomes of loads without a
solution, and whole episodes of the shipped setups; writes parity.json and parity.md, where the
repository keeps them, and ends with exit code 1 if a requirement is missed. The short run takes a
few networks and a day, and writes to build/benchmarks/quick.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from powerflow_parity.episodes import WITHIN, Episode, episodes
from powerflow_parity.networks import (
    TOLERANCES,
    VA_DEGREE,
    VM_PU,
    Collapse,
    Difference,
    collapses,
    differences,
)
from speed.markdown import table
from speed.verdict import Requirement

ROOT = Path(__file__).resolve().parents[2]
ABOUT = """\
Largest differences of the native power flow from pandapower's results. pandapower is solved at the
tightest of 1e-10, 1e-9 and 1e-8 MVA at which it converges."""
ABOUT_COLLAPSE = """\
All loads are multiplied by the first power of two at which the native power flow finds no solution.
pandapower is tried from two starts."""
QUICK = ("ieee13", "case9", "ratio_lv")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison; return the exit code."""
    parser = argparse.ArgumentParser(description="Compare the power flow with pandapower's.")
    parser.add_argument("--quick", action="store_true", help="a few networks")
    parser.add_argument("--out", type=Path, help="folder for the results")
    options = parser.parse_args(arguments)
    out = options.out or ROOT / (
        "build/benchmarks/quick" if options.quick else "benchmarks/results"
    )
    if options.quick:
        solves, without = list(differences(QUICK)), list(collapses(QUICK[:2]))
        days = list(episodes(("ieee34_ieee13",), (200,), ("extreme",)))
    else:
        solves, without, days = list(differences()), list(collapses()), list(episodes())
    required = requirements(solves, without, days)
    data = {
        "solves": [asdict(row) for row in solves],
        "without_solution": [asdict(row) for row in without],
        "episodes": [asdict(row) for row in days],
        "requirements": [asdict(requirement) for requirement in required],
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "parity.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    text = page(solves, without, days, required)
    (out / "parity.md").write_text(text, encoding="utf-8")
    print(text)
    return 0 if all(requirement.holds for requirement in required) else 1


def requirements(
    solves: Sequence[Difference], without: Sequence[Collapse], days: Sequence[Episode]
) -> list[Requirement]:
    """Hold the differences against what is required of them."""

    def largest(name: str, tolerance: float) -> float:
        return max(getattr(row, name) for row in solves if row.tolerance_pu == tolerance)

    required = []
    for tolerance, points in zip(TOLERANCES, (1e-6, 1e-4), strict=True):
        for name, text, most in (
            ("vm_pu", "error of a voltage [p.u.]", VM_PU),
            ("va_degree", "error of an angle [degree]", VA_DEGREE),
            ("loading_percent", "error of a loading [percentage points]", points),
            ("mismatch_pu", "mismatch of a power [p.u.]", tolerance),
        ):
            value = largest(name, tolerance)
            what = f"tolerance {tolerance:g}, largest {text}"
            required.append(Requirement(what, value, f"(at most {most:g})", value <= most))
    n_good = sum(row.holds for row in without)
    required.append(
        Requirement(
            "networks whose status says that there is no solution, where pandapower finds none",
            n_good,
            f"of {len(without)}",
            n_good == len(without),
        )
    )
    for name, text in (("table", "features"), ("rewards", "rewards")):
        value = max(getattr(row, name) for row in days)
        required.append(
            Requirement(
                f"largest difference of the {text} of {len(days)} episodes",
                value,
                f"(at most {WITHIN:g})",
                value <= WITHIN,
            )
        )
    n_good = sum(row.are_taps_equal for row in days)
    required.append(
        Requirement(
            "episodes with the same tap positions after every step",
            n_good,
            f"of {len(days)}",
            n_good == len(days),
        )
    )
    return required


def page(
    solves: Sequence[Difference],
    without: Sequence[Collapse],
    days: Sequence[Episode],
    required: Sequence[Requirement],
) -> str:
    """Return the page with every table."""
    parts = [
        "# Parity of the power flow with pandapower",
        ABOUT,
        "\n".join(f"- {requirement}" for requirement in required),
        "## Networks",
        _solves(solves),
        "## Loads without a solution",
        ABOUT_COLLAPSE,
        table(
            ["network", "loads times", "status", "pandapower", "all results finite"],
            [
                [
                    row.network,
                    f"{row.factor:,.0f}",
                    str(row.status),
                    "converges" if row.reference_converges else "no solution",
                    "yes" if row.is_finite else "NO",
                ]
                for row in without
            ],
        ),
        "## Episodes",
        "Days of 24 steps. Differences are |a - b| / (1 + |b|).",
        table(
            [
                "setup, actions",
                "day",
                "converged",
                "taps moved",
                "features",
                "rewards",
                "same taps",
            ],
            [
                [
                    f"{row.setup}, {row.actions}",
                    str(row.day),
                    f"{row.n_converged} of {row.n_step}",
                    str(row.n_tap_move),
                    f"{row.table:.0e}",
                    f"{row.rewards:.0e}",
                    "yes" if row.are_taps_equal else "NO",
                ]
                for row in days
            ],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _solves(rows: Sequence[Difference]) -> str:
    by_network: dict[str, dict[float, Difference]] = {}
    for row in rows:
        by_network.setdefault(row.network, {})[row.tolerance_pu] = row
    first, second = TOLERANCES

    def figures(row: Difference) -> list[str]:
        values: list[Any] = [row.vm_pu, row.va_degree, row.loading_percent]
        return [str(row.iterations), *(f"{value:.0e}" for value in values)]

    names = ["steps", "V [p.u.]", "angle [degree]", "loading [%]"]
    return table(
        ["network", "buses", "method", "pandapower [MVA]"]
        + [f"{name}, {tolerance:g}" for tolerance in (first, second) for name in names],
        [
            [
                name,
                f"{found[first].n_bus:,}",
                found[first].method,
                f"{found[first].reference_mva:.0e}",
                *figures(found[first]),
                *figures(found[second]),
            ]
            for name, found in by_network.items()
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
