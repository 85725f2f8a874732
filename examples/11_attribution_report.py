"""Ask which part of realistic timing costs a policy most: each cause alone, and all together.

The rule-based policy decides every quarter of an hour on days of the test year. Then the same days
come again with one cause switched on at a time: agents that decide less often, see late, act late,
are heard late, jitter, and lose messages.

    python examples/11_attribution_report.py [--seeds 30] [--steps 96] [--plot report.png]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from powergrid.baselines import BatchedRuleBasedPolicy
from powergrid.evaluation import AttributionReport, attribution_report

CONFIG: dict[str, Any] = {
    "train": False,
    "step_s": 900.0,
    "forecast_step_s": 3600.0,  # forecasts of whole hours, a day ahead
    "variability": True,
}
TIMING: dict[str, Any] = {
    "coordinator": {
        "tick_interval": 1800.0,
        "obs_delay": 2700.0,
        "msg_delay": 60.0,
        "jitter_type": "uniform",
        "jitter_ratio": 0.2,
    },
    "field": {"tick_interval": 60.0, "act_delay": 120.0},
    "faults": {"loss": 0.5},
}


def main(arguments: Sequence[str] | None = None) -> AttributionReport:
    """Make the report, print it, and return it."""
    parser = argparse.ArgumentParser(description="Attribute what timing costs to its causes.")
    parser.add_argument("--seeds", type=int, default=30, help="days")
    parser.add_argument("--steps", type=int, default=96, help="quarters of an hour in a day")
    parser.add_argument("--plot", help="file for a plot")
    options = parser.parse_args(arguments)
    config = {**CONFIG, "max_episode_steps": options.steps}
    report = attribution_report(BatchedRuleBasedPolicy(), config, TIMING, n_seed=options.seeds)
    print(report)
    worst = min(report.causes[:-1], key=lambda cause: report.effect(cause).mean)
    print(f"\nof the single causes, {worst} costs most")
    if options.plot:
        report.plot(options.plot)
    return report


if __name__ == "__main__":
    main()
