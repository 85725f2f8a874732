"""Compare simple policies over fixed test episodes, and check that there is something to learn.

Plays do-nothing, random, rule-based and rolling-horizon policies through the same days of the test
split, adds the bound of perfect foresight, prints one table, writes it as JSON and Markdown, and
ends with exit code 1 if a claim about the setup does not hold.

    python benchmarks/python/policy_table.py [--episodes 20] [--setup ieee34_ieee13] [--out FILE]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from powergrid.baselines import (
    EpisodeRecord,
    IdlePolicy,
    RandomPolicy,
    RollingHorizonPolicy,
    RuleBasedPolicy,
)
from powergrid.baselines.comparison import Comparison, bootstrap_mean, compare, spread_days
from powergrid.data.shipped import shipped_manifest
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.setups.loader import load_setup

RESULTS = Path(__file__).resolve().parents[1] / "results"
BOUND = "perfect-foresight bound"
COLUMNS: dict[str, Callable[[EpisodeRecord], float]] = {
    "return": lambda record: record.episode_return,
    "cost [$]": lambda record: record.cost,
    "energy bought [MWh]": lambda record: record.energy_bought_mwh,
    "steps with a broken limit [%]": lambda record: 100.0 * record.violated_share,
    "summed safety": lambda record: record.safety,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison; return the exit code."""
    options = parse(arguments)
    config = load_setup(options.setup)
    env = MultiAgentMicrogrids({**config, "train": False})
    policies = [IdlePolicy(), RandomPolicy(), RuleBasedPolicy(), RollingHorizonPolicy()]
    began = time.perf_counter()

    def report(policy: str, day: int) -> None:
        seconds = time.perf_counter() - began
        print(f"\r{policy}: day {day} ({seconds:.0f} s)".ljust(60), end="", file=sys.stderr)

    days = spread_days(env.n_day, options.episodes)
    result = compare(env, policies, days, on_episode=report)
    print(file=sys.stderr)
    claims = result.claims(*(policy.name for policy in policies))
    text = table(result)
    print(text)
    verdicts = [f"{'holds' if claim.holds else 'FAILS'}: {claim.text}" for claim in claims]
    print("\n".join(["", *verdicts]))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    about = description(options.setup, config)
    content = {
        **about,
        "seconds": round(time.perf_counter() - began, 1),
        "days": result.days,
        "episodes": {
            name: [asdict(record) for record in records] for name, records in result.records.items()
        },
        "bound": [{**asdict(b), "episode_return": b.episode_return} for b in result.bounds],
        "claims": [asdict(claim) for claim in claims],
    }
    options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    options.out.with_suffix(".md").write_text(page(about, result, text, verdicts), encoding="utf-8")
    return 0 if all(claim.holds for claim in claims) else 1


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Compare simple policies over test episodes.")
    parser.add_argument("--episodes", type=int, default=20, help="days, spread over the year")
    parser.add_argument("--setup", default="ieee34_ieee13", help="name or folder of a setup")
    parser.add_argument("--out", type=Path, default=RESULTS / "policy_table.json")
    return parser.parse_args(arguments)


def table(result: Comparison) -> str:
    """Return the table in Markdown, columns aligned: mean and 95 % interval of each."""
    rows = [["policy", *COLUMNS]]
    for name, records in result.records.items():
        rows.append([name, *(cell([get(r) for r in records]) for get in COLUMNS.values())])
    bounds = result.bounds
    rows.append(
        [
            BOUND,
            cell([bound.episode_return for bound in bounds]),
            cell([bound.cost for bound in bounds]),
            cell([bound.energy_bought_mwh for bound in bounds]),
            "",
            "",
        ]
    )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(text.ljust(n) for text, n in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (n + 2) for n in widths) + "|")
    return "\n".join(lines)


def cell(values: Sequence[float]) -> str:
    """Return mean and interval, to the digits that a reader needs."""
    estimate = bootstrap_mean(values)
    digits = 1 if abs(estimate.mean) >= 1.0 else 3
    return " ".join(
        [
            f"{estimate.mean:.{digits}f}",
            f"[{estimate.low:.{digits}f}, {estimate.high:.{digits}f}]",
        ]
    )


def description(setup: str, config: dict[str, Any]) -> dict[str, Any]:
    """Return what one needs to know to repeat the comparison."""
    text = json.dumps({k: v for k, v in config.items() if k != "dataset"}, sort_keys=True)
    files = shipped_manifest()["files"]
    return {
        "setup": setup,
        "config_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "data_sha256": {name: entry["sha256"] for name, entry in files.items()},
        "machine": {
            "system": platform.platform(),
            "processor": processor(),
            "n_cpu": os.cpu_count(),
            "python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "scipy", "pandapower")},
        },
    }


def processor() -> str:
    """Return the processor's name."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def page(about: dict[str, Any], result: Comparison, text: str, verdicts: Sequence[str]) -> str:
    """Return the Markdown page: table, claims, and what was run on what."""
    machine = about["machine"]
    days = ", ".join(map(str, result.days))
    introduction = (
        f"Means over {len(result.days)} episodes of the test split (days {days}) with 95 % "
        "bootstrap intervals. Returns are sums of the agents' own rewards; the bound's energy is "
        "that of its plan."
    )
    origin = (
        f"Configuration {about['config_sha256'][:12]}; {machine['processor']}, "
        f"Python {machine['python']}, pandapower {machine['pandapower']}."
    )
    claims = "\n".join(f"- {verdict}" for verdict in verdicts)
    heading = f"# Simple policies on `{about['setup']}`"
    return "\n\n".join([heading, introduction, text, claims, origin]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
