"""What the figures become: JSON, a page and a part of the README in Markdown, a plot."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from speed import decisions, handlers, loops, messages
from speed.markdown import duration, table
from speed.measure import Measurement
from speed.requirements import find
from speed.verdict import Requirement

__all__ = ["MARKS", "content", "draw", "page", "readme_part"]

MARKS = ("<!-- core-speed:begin -->", "<!-- core-speed:end -->")
JITTER_WORDS = {"none": "no jitter", "uniform": "uniform jitter"}


def content(
    machine: dict[str, Any],
    n_turn: int,
    tables: dict[str, list[Measurement]],
    required: Sequence[Requirement],
) -> dict[str, Any]:
    """Return all that was measured, for JSON."""
    return {
        "machine": machine,
        "n_turn": n_turn,
        "clock": "processor time of the one process whose turn it is",
        "results": {
            name: [
                {
                    "what": row.what,
                    **row.key,
                    "unit": row.unit,
                    "n_in_turn": row.n,
                    "median_ns": round(row.ns, 2),
                    "turns_ns": [round(ns, 2) for ns in row.turns_ns],
                }
                for row in rows
            ]
            for name, rows in tables.items()
        },
        "requirements": [asdict(requirement) for requirement in required],
    }


def page(
    machine: dict[str, Any],
    n_turn: int,
    tables: dict[str, list[Measurement]],
    required: Sequence[Requirement],
) -> str:
    """Return the page with every table."""
    parts = ["# Speed of the core", _origin(machine, n_turn)]
    parts += [_verdicts(required)]
    for jitter, words in JITTER_WORDS.items():
        parts += [f"## Periodic agents, {words}", _by_agents(tables["loops"], loops.NATIVE, jitter)]
        parts += [f"With Python handlers, {words}:"]
        parts += [_by_agents(tables["handlers"], handlers.COMPILED, jitter)]
    parts += ["## Decisions, messages, gathering", _others(tables)]
    if tables["growth"]:
        parts += ["## Cost of an event by pending events", _growth(tables["growth"])]
    return "\n\n".join(parts) + "\n"


def readme_part(machine: dict[str, Any], n_turn: int, tables: dict[str, list[Measurement]]) -> str:
    """Return what stands in the README between the marks."""
    return "\n\n".join(
        [
            _origin(machine, n_turn),
            "Agents that tick with uniform jitter; the core's figures include drawing it:",
            _by_agents(tables["loops"], loops.NATIVE, "uniform"),
            "The same with Python handlers:",
            _by_agents(tables["handlers"], handlers.COMPILED, "uniform"),
        ]
    )


def draw(rows: Sequence[Measurement], path: Path) -> None:
    """Plot the cost of an event over the number of pending ones, as SVG."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    lines: dict[str, list[Measurement]] = {}
    for row in rows:
        lines.setdefault(f"{row.what}, {JITTER_WORDS[str(row.key['jitter'])]}", []).append(row)
    # Text stays text, and equal figures give an equal file.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "heron"}):
        figure, axes = plt.subplots(figsize=(7.0, 4.0), layout="constrained")
        for label, points in lines.items():
            axes.plot([p.key["n"] for p in points], [p.ns for p in points], "o-", label=label)
        axes.set(xscale="log", yscale="log", xlabel="pending events", ylabel="ns an event")
        axes.grid(visible=True, which="both", alpha=0.3)
        axes.legend()
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


# --- tables -----------------------------------------------------------------------------------


def _by_agents(rows: Sequence[Measurement], fastest: str, jitter: str) -> str:
    """Return a row for everything measured and a column for each number of agents."""
    rows = [row for row in rows if row.key["jitter"] == jitter]
    sizes = sorted({int(row.key["n"]) for row in rows})
    names = list(dict.fromkeys(row.what for row in rows))
    head = ["one event, with this many agents", *(f"{size:,}" for size in sizes)]
    body = []
    for name in names:
        cells = [
            _cell(find(rows, name, size, jitter), find(rows, fastest, size, jitter))
            for size in sizes
        ]
        body.append([name, *cells])
    return table(head, body)


def _others(tables: dict[str, list[Measurement]]) -> str:
    groups: list[tuple[str, str, Callable[[Measurement], str]]] = [
        ("decisions", decisions.DECISION, lambda row: f"a decision, {row.key['n']:,} agents"),
        ("messages", messages.BROKER, lambda row: f"a message, {row.key['n']} queues"),
        ("gather", decisions.GATHER, lambda row: f"a row of 32, {row.key['n']:,} lanes"),
    ]
    body = []
    for name, fastest, unit in groups:
        for row in tables[name]:
            first = find(tables[name], fastest, int(row.key["n"]))
            body.append([row.what, unit(row), _cell(row, first)])
    return table(["what", "one", "median"], body)


def _growth(rows: Sequence[Measurement]) -> str:
    sizes = sorted({int(row.key["n"]) for row in rows})
    kinds = dict.fromkeys((row.what, str(row.key["jitter"])) for row in rows)
    body = [
        [f"{what}, {JITTER_WORDS[jitter]}"]
        + [duration(row.ns) if (row := find(rows, what, size, jitter)) else "" for size in sizes]
        for what, jitter in kinds
    ]
    return table(["pending", *(f"{size:,}" for size in sizes)], body)


def _cell(row: Measurement | None, fastest: Measurement | None) -> str:
    if row is None:
        return ""
    if fastest is None or row is fastest:
        return duration(row.ns)
    ratio = row.ns / fastest.ns
    return f"{duration(row.ns)} ({ratio:.{0 if ratio >= 9.95 else 1}f}x)"


def _verdicts(required: Sequence[Requirement]) -> str:
    return "\n".join(f"- {requirement}" for requirement in required)


def _origin(machine: dict[str, Any], n_turn: int) -> str:
    packages = machine["packages"]
    simpy = f", SimPy {packages['simpy']}" if packages["simpy"] else ", SimPy not installed"
    return textwrap.fill(
        f"Medians of {n_turn} turns on one core in one run; in brackets the multiple of the "
        f"table's or group's first row. {machine['processor']} at {machine['clock_ghz']} GHz, "
        f"{machine['compiler']}, {machine['python']}, NumPy {packages['numpy']}{simpy}.",
        width=100,
    )
