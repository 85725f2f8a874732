"""What the figures become: JSON, and Markdown for a page and for the README."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from speed.markdown import table
from speed.verdict import Requirement

from powerflow_speed import native, pandapower_peer
from powerflow_speed.groups import Row
from powerflow_speed.growth import Growth
from powerflow_speed.required import N_LANE, find

__all__ = ["MARKS", "Figures", "best_of_each", "content", "page", "readme_part"]

MARKS = ("<!-- power-flow-speed:begin -->", "<!-- power-flow-speed:end -->")
Tables = Mapping[str, Sequence[Row]]


@dataclass(frozen=True)
class Figures:
    """All that was measured, and what it must show."""

    machine: dict[str, Any]
    n_turn: int
    tables: Tables
    growth: Growth
    required: Sequence[Requirement]


def content(figures: Figures) -> dict[str, Any]:
    """Return all that was measured, for JSON."""
    growth = figures.growth
    return {
        "machine": figures.machine,
        "n_turn": figures.n_turn,
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
            for name, rows in figures.tables.items()
        },
        "memory_copy_gb_s": [_round(gb_s) for gb_s in growth.copy_gb_s],
        "instructions_a_lane_and_bus": {n: _round(x) for n, x in growth.instructions.items()},
        "requirements": [asdict(requirement) for requirement in figures.required],
    }


def page(figures: Figures) -> str:
    """Return the page with every table."""
    parts = ["# Speed of the power flow", _origin(figures), _verdicts(figures.required)]
    rows = figures.tables["networks"]
    for name in dict.fromkeys(str(row.time.key["network"]) for row in rows):
        parts += [f"## {name}", _one_network([row for row in rows if row.has(network=name)])]
    parts += ["## Two threads", "Time on the wall.", _threads(figures.tables["threads"])]
    parts += ["## Instruction sets", _one_network(figures.tables["simd"])]
    parts += ["## By number of buses", _why_it_grows(figures.growth), _by_buses(figures)]
    return "\n\n".join(parts) + "\n"


def readme_part(figures: Figures) -> str:
    """Return what stands in the README between the marks."""
    rows = figures.tables["networks"]
    names = list(dict.fromkeys(str(row.time.key["network"]) for row in rows))
    ways = best_of_each(rows)
    first = next(iter(ways.values()))
    body = [
        [label]
        + [_with_ratio(found[name], first[name]) if name in found else "-" for name in names]
        for label, found in ways.items()
    ]
    machine = figures.machine
    origin = textwrap.fill(
        f"Microseconds for one power flow, and in brackets how many times those of a lane of the "
        f"native batch: one core of {machine['processor']} at {machine['clock_ghz']} GHz, medians "
        f"of {figures.n_turn} turns. Every load changes by up to 5 % before each solve, which ends "
        "at 1e-8; of several ways of a package the fastest counts.",
        width=100,
    )
    return f"{origin}\n\n{table(['us', *names], body)}"


def best_of_each(rows: Sequence[Row]) -> dict[str, dict[str, Row]]:
    """Return the fastest row of each kind of solve, by name and network; the batch first."""
    sizes = {int(row.time.key["lanes"]) for row in rows if row.time.what == native.BATCH}
    most = max((size for size in sizes if size <= N_LANE), default=1)

    def of_native(lanes: int, start: str) -> Callable[[Row], bool]:
        return lambda row: row.has(what=native.BATCH, lanes=lanes, start=start)

    def of_others(beginning: str) -> Callable[[Row], bool]:
        return lambda row: row.time.what.startswith(beginning)

    kinds = {
        f"native, batch of {most:,}": of_native(most, "warm"),
        "native, one lane": of_native(1, "warm"),
        "lightsim2grid": of_others("lightsim2grid"),
        "power-grid-model, batch": of_others("power-grid-model, batch"),
        "power-grid-model, one lane": of_others("power-grid-model, single"),
        "OpenDSS": of_others("OpenDSS"),
        "pandapower `runpp`": lambda row: row.time.what == pandapower_peer.PLAIN,
        "pandapower `runpp`, with its options for speed": of_others(pandapower_peer.PLAIN + ","),
    }
    found = {}
    for label, is_of_kind in kinds.items():
        by_network: dict[str, Row] = {}
        for row in filter(is_of_kind, rows):
            name = str(row.time.key["network"])
            by_network[name] = min(by_network.get(name, row), row, key=lambda row: row.us)
        if by_network:
            found[label] = by_network
    return found


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


def _why_it_grows(growth: Growth) -> str:
    memory = "" if growth.gb_s is None else f" (a copy moves {growth.gb_s:.0f} GB/s here)"
    return textwrap.fill(
        "Radial networks. A solve executes as many instructions for each bus of a large network as "
        "for one of a small one (last row, counted by valgrind). What a bus costs more is "
        f"memory{memory}: a group of lanes outgrows a second-level cache of 1 MiB at some 400 "
        "buses, a batch of 64 lanes 16 MiB of a third-level one at some 3,000.",
        width=100,
    )


def _by_buses(figures: Figures) -> str:
    rows = figures.tables["buses"]
    names = list(dict.fromkeys(str(row.time.key["network"]) for row in rows))
    body = []
    for what in dict.fromkeys(row.time.what for row in rows):
        found = [find(rows, what=what, network=name) for name in names]
        lanes = next(row.time.key["lanes"] for row in found if row)
        body.append(
            [f"{what}, {lanes:,} lanes", *(_figure(row.us) if row else "" for row in found)]
        )
    counts = figures.growth.instructions
    body.append(
        ["native, instructions a lane and bus"]
        + [_figure(counts[int(name)]) if int(name) in counts else "" for name in names]
    )
    return table(["us a solve; buses", *(f"{int(name):,}" for name in names)], body)


def _with_ratio(row: Row, first: Row) -> str:
    if row is first:
        return _figure(row.us)
    return f"{_figure(row.us)} ({_figure(row.us / first.us)}x)"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 99.5 else f"{value:.3g}"


def _round(value: float) -> float:
    return float(f"{value:.5g}")


def _verdicts(required: Sequence[Requirement]) -> str:
    return "\n".join(f"- {requirement}" for requirement in required)


def _origin(figures: Figures) -> str:
    machine = figures.machine
    versions = ", ".join(
        f"{name} {version}" for name, version in machine["packages"].items() if version
    )
    return textwrap.fill(
        f"Medians of {figures.n_turn} turns on one core in one run, microseconds for the solve of "
        "one lane to 1e-8; before each solve every load changes by up to 5 %. "
        f"{machine['processor']} at {machine['clock_ghz']} GHz, {machine['python']}, {versions}.",
        width=100,
    )
