"""What the figures become: JSON, and Markdown for a page and for the README."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from speed.markdown import table
from speed.verdict import Requirement

from powerflow_speed import native
from powerflow_speed.groups import Row
from powerflow_speed.required import N_LANE, find

__all__ = ["MARKS", "best_of_each", "content", "page", "readme_part"]

MARKS = ("<!-- power-flow-speed:begin -->", "<!-- power-flow-speed:end -->")
Tables = Mapping[str, Sequence[Row]]


def content(
    machine: dict[str, Any], n_turn: int, tables: Tables, required: Sequence[Requirement]
) -> dict[str, Any]:
    """Return all that was measured, for JSON."""
    return {
        "machine": machine,
        "n_turn": n_turn,
        "tolerance": {
            "pandapower, lightsim2grid, native": "power mismatch of 1e-8 p.u.",
            "power-grid-model, OpenDSS": "change of a voltage of 1e-8 p.u.",
        },
        "clock": "processor time of the process; of the group threads, time on the wall",
        "results": {
            name: [
                {
                    "what": row.time.what,
                    **row.time.key,
                    "unit": row.time.unit,
                    "n_in_turn": row.time.n,
                    "median_us": _round(row.us),
                    "turns_us": [_round(ns * 1e-3) for ns in row.time.turns_ns],
                    "iterations": row.iterations,
                    "error_pu": row.error_pu,
                }
                for row in rows
            ]
            for name, rows in tables.items()
        },
        "requirements": [asdict(requirement) for requirement in required],
    }


def page(
    machine: dict[str, Any], n_turn: int, tables: Tables, required: Sequence[Requirement]
) -> str:
    """Return the page with every table."""
    parts = ["# Speed of the power flow", _origin(machine, n_turn), _verdicts(required)]
    rows = tables["networks"]
    for name in dict.fromkeys(str(row.time.key["network"]) for row in rows):
        parts += [f"## {name}", _one_network([row for row in rows if row.has(network=name)])]
    parts += ["## Two threads", "Time on the wall.", _threads(tables["threads"])]
    parts += ["## Instructions", _one_network(tables["simd"])]
    parts += ["## By number of buses", "Radial networks.", _by_network(tables["buses"], "buses")]
    return "\n\n".join(parts) + "\n"


def readme_part(
    machine: dict[str, Any], n_turn: int, tables: Tables, required: Sequence[Requirement]
) -> str:
    """Return what stands in the README between the marks."""
    kinds = best_of_each(tables["networks"])
    names = list(dict.fromkeys(str(row.time.key["network"]) for row in tables["networks"]))
    first = next(iter(kinds.values()))
    body = [
        [label]
        + [
            _with_ratio(by_network[name], first.get(name)) if name in by_network else ""
            for name in names
        ]
        for label, by_network in kinds.items()
    ]
    parts = [
        _origin(machine, n_turn),
        table(["us a solve", *names], body),
        "What is required of these figures:",
        _verdicts(required),
    ]
    return "\n\n".join(parts)


def best_of_each(rows: Sequence[Row]) -> dict[str, dict[str, Row]]:
    """Return the rows that stand for each way, by name and network; the batch first."""
    kinds: dict[str, dict[str, Row]] = {}
    sizes = {int(row.time.key["lanes"]) for row in rows if row.time.what == native.BATCH}
    most = max((size for size in sizes if size <= N_LANE), default=1)
    for row in rows:
        what, lanes, start = row.time.what, int(row.time.key["lanes"]), row.time.key["start"]
        if what == native.BATCH and lanes not in (1, most):
            continue
        label = what if what.startswith(("pandapower", "OpenDSS")) else f"{what}, {lanes:,} lanes"
        label = label.replace(" 1 lanes", " 1 lane")
        if what == native.BATCH:
            label += f", {start}"
        kinds.setdefault(label, {})[str(row.time.key["network"])] = row
    best = f"{native.BATCH}, {most:,} lanes, warm"
    order = sorted(kinds, key=lambda label: (label != best, not label.startswith(native.BATCH)))
    return {label: kinds[label] for label in order}


# --- tables -----------------------------------------------------------------------------------


def _one_network(rows: Sequence[Row]) -> str:
    batches = [row for row in rows if row.has(what=native.BATCH, start="warm")]
    of_interest = [row for row in batches if int(row.time.key["lanes"]) <= N_LANE]
    first = max(of_interest, key=lambda row: int(row.time.key["lanes"]), default=rows[0])
    body = [
        [
            row.time.what,
            f"{row.time.key['lanes']:,}",
            str(row.time.key["start"]),
            _figure(row.us),
            _figure(row.us / first.us),
            "" if row.iterations is None else f"{row.iterations:.1f}",
            f"{row.error_pu:.0e}",
        ]
        for row in rows
    ]
    ratio = f"to {first.time.what}, {first.time.key['lanes']:,}"
    head = ["", "lanes", "start", "us a solve", ratio, "iterations", "max error [p.u.]"]
    return table(head, body)


def _threads(rows: Sequence[Row]) -> str:
    body = []
    for n_lane in dict.fromkeys(row.time.key["lanes"] for row in rows):
        one, two = (find(rows, lanes=n_lane, threads=n) for n in (1, 2))
        assert one is not None
        assert two is not None
        body.append([f"{n_lane:,}", _figure(one.us), _figure(two.us), _figure(one.us / two.us)])
    return table(["lanes", "1 thread, us a lane", "2 threads", "times faster"], body)


def _by_network(rows: Sequence[Row], head: str) -> str:
    names = list(dict.fromkeys(str(row.time.key["network"]) for row in rows))
    body = []
    for what in dict.fromkeys(row.time.what for row in rows):
        found = [find(rows, what=what, network=name) for name in names]
        lanes = next(row.time.key["lanes"] for row in found if row)
        body.append(
            [f"{what}, {lanes:,} lanes", *(_figure(row.us) if row else "" for row in found)]
        )
    return table([f"us a solve; {head}", *(f"{int(name):,}" for name in names)], body)


def _with_ratio(row: Row, first: Row | None) -> str:
    if first is None or row is first:
        return _figure(row.us)
    return f"{_figure(row.us)} ({_figure(row.us / first.us)}x)"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 99.5 else f"{value:.3g}"


def _round(value: float) -> float:
    return float(f"{value:.5g}")


def _verdicts(required: Sequence[Requirement]) -> str:
    return "\n".join(f"- {requirement}" for requirement in required)


def _origin(machine: dict[str, Any], n_turn: int) -> str:
    versions = ", ".join(
        f"{name} {version}" for name, version in machine["packages"].items() if version
    )
    return textwrap.fill(
        f"Medians of {n_turn} turns on one core in one run, microseconds for the solve of one lane "
        f"to 1e-8; before each solve every load changes by up to 5 %. {machine['processor']} at "
        f"{machine['clock_ghz']} GHz, {machine['python']}, {versions}.",
        width=100,
    )
