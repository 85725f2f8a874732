"""Show that timing matters: one policy by the minute, as it sees later and more of it gets lost.

    python benchmarks/python/timing_study.py [--quick] [--out FOLDER]

Plays the rule-based policy over a day of minutes, the same seeds under observation delays of 0 to
60 minutes and message losses of 0 to 90 %, and a timetable, which looks at nothing, under the same
delays. Writes timing_study.json, timing_study.md and timing_study.svg, and ends with exit code 1 if
a statement about them does not hold. The short run has fewer cases over six hours, and writes to
build/benchmarks/quick.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from speed.markdown import table

from powergrid.baselines import BatchedPolicy, BatchedRuleBasedPolicy, SchedulePolicy
from powergrid.baselines.comparison import Claim
from powergrid.envs.event_driven_vector_env import EventDrivenVectorEnv
from powergrid.evaluation import Evaluation, evaluate_event_driven, paired_difference

ROOT = Path(__file__).resolve().parents[2]
SETUP = "ieee34_ieee13"  # whose grids are the default
CONFIG: dict[str, Any] = {
    "train": False,
    "step_s": 60.0,
    "forecast_step_s": 3600.0,
    "variability": True,
}


@dataclass(frozen=True)
class Extent:
    """How many episodes of how many minutes, and which cases, 0 first."""

    n_seed: int
    n_step: int
    delays_min: tuple[int, ...]
    losses: tuple[float, ...]


FULL = Extent(50, 1440, (0, 1, 5, 15, 60), (0.0, 0.1, 0.5, 0.9))
QUICK = Extent(64, 360, (0, 5, 60), (0.0, 0.9))


@dataclass(frozen=True)
class Study:
    """Evaluations by observation delay [min] and by share of messages lost, of equal seeds."""

    extent: Extent
    delays: dict[int, Evaluation]
    losses: dict[float, Evaluation]
    schedule: dict[int, Evaluation]  # by delay, of a policy that ignores what it sees


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the study; return the exit code."""
    options = parse(arguments)
    began = time.perf_counter()
    found = study(QUICK if options.quick else FULL)
    seconds = time.perf_counter() - began
    verdicts = claims(found)
    options.out.mkdir(parents=True, exist_ok=True)
    text = page(found, verdicts)
    content = {
        "setup": SETUP,
        "config": CONFIG,
        "extent": asdict(found.extent),
        "seconds": round(seconds, 1),
        "claims": [asdict(claim) for claim in verdicts],
        "observation_delay_min": {str(k): figures(e) for k, e in found.delays.items()},
        "message_loss": {str(k): figures(e) for k, e in found.losses.items()},
        "schedule": {str(k): figures(e) for k, e in found.schedule.items()},
    }
    data = json.dumps(content, indent=1)
    (options.out / "timing_study.json").write_text(data + "\n", encoding="utf-8")
    (options.out / "timing_study.md").write_text(text, encoding="utf-8")
    draw(found, options.out / "timing_study.svg")
    print(text)
    return 0 if all(claim.holds for claim in verdicts) else 1


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Show what delays and losses cost a policy.")
    parser.add_argument("--quick", action="store_true", help="fewer cases, six hours")
    parser.add_argument("--out", type=Path, help="folder for the results")
    options = parser.parse_args(arguments)
    parts = ("build", "benchmarks", "quick") if options.quick else ("benchmarks", "results")
    options.out = options.out or ROOT.joinpath(*parts)
    return options


def study(extent: Extent) -> Study:
    """Play all cases."""
    config = {**CONFIG, "max_episode_steps": extent.n_step}

    def play(policy: BatchedPolicy, timing: dict[str, Any]) -> Evaluation:
        return evaluate_event_driven(policy, config, timing, seeds=extent.n_seed)

    def late(minutes: int) -> dict[str, Any]:
        return {"coordinator": {"obs_delay": 60.0 * minutes}}

    rules = BatchedRuleBasedPolicy()
    delays = {minutes: play(rules, late(minutes)) for minutes in extent.delays_min}
    losses = {0.0: delays[0]}
    losses |= {loss: play(rules, {"faults": {"loss": loss}}) for loss in extent.losses[1:]}
    timetable = SchedulePolicy(timetable_rows(config), 3600.0)
    schedule = {minutes: play(timetable, late(minutes)) for minutes in extent.delays_min}
    return Study(extent, delays, losses, schedule)


def timetable_rows(config: dict[str, Any]) -> np.ndarray:
    """Return moderate random actions for every hour of a day, (24, n_agent, n_entry)."""
    envs = EventDrivenVectorEnv(1, config)
    idle = envs.idle_actions()[0]
    envs.close()
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, (24, *idle.shape))
    return np.clip(idle + noise, -1.0, 1.0)


def claims(found: Study) -> list[Claim]:
    """Return what must hold."""
    verdicts = []
    for name, unit, cases in (
        ("observation delay", " min", found.delays),
        ("message loss", "", found.losses),
    ):
        values = list(cases)
        returns = [cases[value].episode_return for value in values]
        worst = paired_difference(returns[-1], returns[0])
        verdicts.append(
            Claim(
                f"{name} {values[-1]}{unit} changes the return by {worst.mean:.2f} "
                f"[{worst.low:.2f}, {worst.high:.2f}] against none (interval below 0)",
                worst.high < 0.0,
            )
        )
        better = [
            f"{values[j]}{unit} than {values[i]}{unit}"
            for i in range(len(values))
            for j in range(i + 1, len(values))
            if paired_difference(returns[j], returns[i]).low > 0.0
        ]
        verdicts.append(
            Claim(
                f"no larger {name} is significantly better than a smaller one"
                + (f", except {', '.join(better)}" if better else ""),
                not better,
            )
        )
    unequal = [
        m
        for m, e in found.schedule.items()
        if not np.array_equal(e.agent_return, found.schedule[0].agent_return)
    ]
    verdicts.append(
        Claim(
            "a timetable gets exactly the same returns under every observation delay"
            + (f", except {unequal} min" if unequal else ""),
            not unequal,
        )
    )
    return verdicts


def figures(of: Evaluation) -> dict[str, Any]:
    """Return what the JSON file keeps of an evaluation."""
    return {
        "days": of.days.tolist(),
        "episode_return": of.episode_return.round(6).tolist(),
        "cost": of.cost.round(6).tolist(),
        "safety": of.safety.round(9).tolist(),
        "lost": of.messages["lost"].tolist(),
        "sent": of.messages["sent"].tolist(),
        "age_mean_s": _mean(of.age_mean_s),
        "age_95_s": _mean(of.age_95_s),
    }


def _mean(values: np.ndarray) -> float | None:
    known = values[~np.isnan(values)]
    return round(float(known.mean()), 3) if len(known) else None


def page(found: Study, verdicts: Sequence[Claim]) -> str:
    """Return the page in Markdown."""
    extent = found.extent
    about = (
        f"The rule-based policy on `{SETUP}`, deciding every minute for {extent.n_step} minutes "
        f"with sun, wind and load that fluctuate, over {extent.n_seed} days of the test year. "
        f"Every case has the same days and fluctuations; changes are paired day by day, with 95 % "
        f"intervals by Student's t distribution (`make timing-study`)."
    )
    parts = [
        "# What timing costs",
        about,
        "![change of the return](timing_study.svg)",
        "## Observation delay",
        _rows("delay [min]", found.delays),
        "## Message loss",
        _rows("share lost", found.losses),
        "## Statements",
        "\n".join(f"- {'holds' if v.holds else 'FAILS'}: {v.text}" for v in verdicts),
    ]
    return "\n\n".join(parts) + "\n"


def _rows(name: str, cases: dict[Any, Evaluation]) -> str:
    base = next(iter(cases.values()))
    body = []
    for value, of in cases.items():
        change = paired_difference(of.episode_return, base.episode_return)
        age = _mean(of.age_mean_s)
        body.append(
            [
                f"{value:g}",
                f"{of.episode_return.mean():.2f}",
                f"{change.mean:+.2f} [{change.low:+.2f}, {change.high:+.2f}]",
                f"{of.cost.mean():.2f}",
                f"{of.safety.mean():.3f}",
                "" if age is None else f"{age:.0f}",
            ]
        )
    head = [name, "return", "change against 0", "cost [$]", "violations", "age of information [s]"]
    return table(head, body)


def draw(found: Study, path: Path) -> None:
    """Plot the change of the return over delay and over loss, as SVG."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    # Text stays text, and equal figures give an equal file.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "heron", "font.size": 9}):
        figure, axes = plt.subplots(1, 2, figsize=(9.0, 3.2), layout="constrained")
        for axis, label, cases in (
            (axes[0], "observation delay [min]", found.delays),
            (axes[1], "share of messages lost", found.losses),
        ):
            base = next(iter(cases.values())).episode_return
            changes = [paired_difference(e.episode_return, base) for e in cases.values()]
            mean = np.array([change.mean for change in changes])
            reach = [[c.mean - c.low for c in changes], [c.high - c.mean for c in changes]]
            names = [f"{value:g}" for value in cases]
            axis.axhline(0.0, color="0.6", lw=0.8)
            axis.errorbar(names, mean, yerr=reach, fmt="o-", ms=4, capsize=3)
            axis.set(xlabel=label, ylabel="change of the return")
            axis.set_yscale("symlog", linthresh=1.0)
            axis.grid(visible=True, alpha=0.3)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


if __name__ == "__main__":
    sys.exit(main())
