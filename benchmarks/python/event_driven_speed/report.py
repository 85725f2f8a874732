"""What the figures become: JSON, Markdown for a page and for the README, and a plot."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from environment_speed.problem import EPISODE, SETUP
from speed.markdown import table
from speed.measure import Measurement
from speed.verdict import Requirement

from event_driven_speed.day import Day

__all__ = ["MARKS", "Extent", "Figures", "content", "draw", "page", "readme_part", "requirements"]

MARKS = ("<!-- event-speed:begin -->", "<!-- event-speed:end -->")
LEAST = 0.5  # of the steps a second in lock-step, with a network
MOST_S = 60.0  # a day of 256 lanes
SMALL_DELAYS = "by events, small delays"
HELD = ("by events, no delays", SMALL_DELAYS)


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    n_lane: int
    hours: float
    turn_s: float
    n_turn: int


@dataclass(frozen=True)
class Figures:
    """All that was measured.

    Attributes
    ----------
    times : dict
        Whether a network decides: a step of a lane of each way, the one in lock-step first.
    days : sequence of Day
        By step of the environment.
    """

    machine: dict[str, Any]
    extent: Extent
    times: dict[bool, list[Measurement]]
    days: Sequence[Day]
    required: Sequence[Requirement]


def requirements(
    times: dict[bool, list[Measurement]], days: Sequence[Day], extent: Extent
) -> list[Requirement]:
    """Hold the figures against what is required of them."""
    found = []
    for has_network, measured in times.items():
        lock_step, *others = measured
        for other in others:
            share = lock_step.ns / other.ns
            needed = has_network and other.what in HELD
            found.append(
                Requirement(
                    f"{extent.n_lane} lanes {'with' if has_network else 'without'} a network, "
                    f"{other.what}: steps/s against lock-step",
                    share,
                    f"(at least {LEAST:g})" if needed else "",
                    share >= LEAST if needed else None,
                    is_required=needed,
                )
            )
    found += [
        Requirement(
            f"a day of {day.n_lane} lanes with ticks every minute and jitter, "
            f"step of {day.step_s:g} s, in seconds",
            day.seconds,
            f"(at most {MOST_S:g})",
            day.seconds <= MOST_S,
        )
        for day in days
    ]
    return found


def content(figures: Figures) -> dict[str, Any]:
    """Return all that was measured, for JSON."""
    return {
        "machine": figures.machine,
        "setup": SETUP,
        "extent": asdict(figures.extent),
        "clock": "processor time of the process; of stages, time on the wall",
        "steps": {
            "network" if has_network else "actions drawn beforehand": [asdict(m) for m in found]
            for has_network, found in figures.times.items()
        },
        "days": [asdict(day) for day in figures.days],
        "requirements": [asdict(requirement) for requirement in figures.required],
    }


def page(figures: Figures) -> str:
    """Return the page in Markdown."""
    heads = {
        True: "## A network decides (two hidden layers of 64, the same on both sides)",
        False: "## Actions drawn beforehand: what the environment takes by itself",
    }
    extent, machine = figures.extent, figures.machine
    about = textwrap.fill(
        f"{machine['processor']} at {machine['clock_ghz']:g} GHz, load {machine['load_average']:g} "
        f"before the run, {machine['python']}. {extent.n_lane} lanes of `{SETUP}`, three agents, "
        f"one core, processor time, medians of {extent.n_turn} turns; episodes of {EPISODE} steps "
        f"with their resets.",
        width=100,
    )
    parts = ["# Speed by events", about, "\n".join(f"- {r}" for r in figures.required)]
    for has_network, measured in figures.times.items():
        parts += [heads[has_network], _steps(measured)]
    parts.append(
        f"## {extent.hours:g} hours of agents and devices that tick every minute, jittered"
    )
    parts += [_days(figures.days), _stages(figures.days)]
    return "\n\n".join(parts) + "\n"


def readme_part(figures: Figures) -> str:
    """Return what stands in the README between the marks."""
    extent, machine = figures.extent, figures.machine
    about = textwrap.fill(
        f"{extent.n_lane} lanes of `{SETUP}`, three agents with one network of two hidden layers "
        f"of 64, one decision an agent and step; one core of {machine['processor']} at "
        f"{machine['clock_ghz']:g} GHz, medians of {extent.n_turn} turns.",
        width=100,
    )
    days = textwrap.fill(
        f"{extent.hours:g} hours of {extent.n_lane} lanes in which three agents and 15 devices "
        "tick every minute with jitter, on one core; ticks of devices, messages and effects count "
        "as events:",
        width=100,
    )
    return "\n\n".join([about, _steps(figures.times[True]), days, _days(figures.days)])


def _steps(measured: Sequence[Measurement]) -> str:
    lock_step = measured[0].ns
    rows = [
        [m.what, f"{m.ns * 1e-3:.2f}", f"{1e9 / m.ns:,.0f}", f"{lock_step / m.ns:.2f}"]
        for m in measured
    ]
    return table(["", "us a step", "environment steps/s", "of lock-step"], rows)


def _days(days: Sequence[Day]) -> str:
    rows = [
        [
            f"{day.step_s:g} s",
            f"{day.seconds:.1f}",
            f"{day.n_decision:,}",
            f"{day.n_decision / day.seconds:,.0f}",
            f"{day.n_event / day.seconds:,.0f}",
        ]
        for day in days
    ]
    head = ["step of the environment", "seconds", "decisions", "decisions/s", "events/s"]
    return table(head, rows)


def _stages(days: Sequence[Day]) -> str:
    names = list(dict.fromkeys(name for day in days for name in day.stages_s))
    rows = [[name, *(f"{day.stages_s[name]:.2f}" for day in days)] for name in names]
    return table(["where the time goes [s]", *(f"step of {d.step_s:g} s" for d in days)], rows)


def draw(figures: Figures, path: Path) -> None:
    """Plot steps a second, and where the time of the days goes, as SVG."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    # Text stays text, and equal figures give an equal file.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "heron", "font.size": 9}):
        figure, (steps, stages) = plt.subplots(1, 2, figsize=(12.0, 3.8), layout="constrained")
        for shift, (has_network, measured) in zip((-0.2, 0.2), figures.times.items(), strict=True):
            steps.barh(
                [k + shift for k in range(len(measured))],
                [1e9 / m.ns for m in measured],
                height=0.38,
                label="a network decides" if has_network else "actions drawn beforehand",
            )
        names = [textwrap.fill(m.what, 28) for m in figures.times[True]]
        steps.set_yticks(range(len(names)), names)
        steps.invert_yaxis()
        steps.set_xlabel(f"environment steps a second, {figures.extent.n_lane} lanes, one core")
        steps.grid(visible=True, axis="x", alpha=0.3)
        steps.legend(fontsize=7)
        left = [0.0] * len(figures.days)
        rows = [f"step of {day.step_s:g} s" for day in figures.days]
        for number, name in enumerate(figures.days[0].stages_s):
            seconds = [day.stages_s[name] for day in figures.days]
            colour = plt.get_cmap("tab20")(number)
            stages.barh(rows, seconds, left=left, height=0.5, label=name, color=colour)
            left = [a + b for a, b in zip(left, seconds, strict=True)]
        stages.set_xlabel(f"seconds, {figures.extent.hours:g} hours of ticks every minute")
        stages.legend(fontsize=6, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.2))
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)
