"""Run a day by events: agents tick at their own rates, see late, and messages get lost.

The rule of thumb decides in all runs, on the same day and seed. What changes is the timing: with
none of it, the run by events is the synchronous one; then each trouble comes alone, and all come
together.

    python examples/07_event_driven_mode.py
    python examples/07_event_driven_mode.py --test     # half the day
"""

from __future__ import annotations

import argparse
from typing import Any

from powergrid.baselines import RuleBasedPolicy, rollout
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.setups.loader import load_setup

DAY = 10  # of the test year; 11 January
STEP_S = 900.0  # the network lives through a quarter of an hour at a time

TIMINGS: dict[str, dict[str, Any]] = {
    "none": {},
    "slow agents": {"coordinator": {"tick_interval": 10800.0}},
    "late observations": {"coordinator": {"obs_delay": 7200.0}},
    "late messages": {"coordinator": {"msg_delay": 600.0}, "field": {"tick_interval": 60.0}},
    "slow devices": {"field": {"act_delay": 300.0}},
    "lost messages": {"faults": {"loss": 0.5}},
    "all, with jitter": {
        "coordinator": {
            "tick_interval": 10800.0,
            "obs_delay": 7200.0,
            "msg_delay": 600.0,
            "jitter_type": "uniform",
            "jitter_ratio": 0.3,
        },
        "field": {"tick_interval": 60.0, "act_delay": 300.0, "jitter_type": "gaussian"},
        "faults": {"loss": 0.5},
    },
}


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Play the day under every timing; return the return of each [$] and a trace of the last."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--test", action="store_true", help="half the day")
    args = parser.parse_args(arguments)
    config = {
        **load_setup("ieee34_ieee13"),
        "train": False,
        "step_s": STEP_S,
        "forecast_step_s": 3600.0,
        "max_episode_steps": 48 if args.test else 96,
    }
    policy = RuleBasedPolicy()
    steps = rollout(MultiAgentMicrogrids(config), policy, seed=0, day=DAY)
    print("timing              return [$]   messages sent   lost   set-points changed")
    print(f"{'(steps)':18s} {steps.episode_return:11.2f}")
    returns = {"(steps)": steps.episode_return}
    for name, timing in TIMINGS.items():
        env = MultiAgentMicrogrids({**config, "timing": timing})
        record = rollout(env, policy, seed=0, day=DAY, by_events=True)
        returns[name] = record.episode_return
        assert env.courier is not None
        counters = env.courier.counters
        n_command = sum(len(interval.commands) for interval in env.intervals)
        print(
            f"{name:18s} {record.episode_return:11.2f} {counters['sent']:15d} "
            f"{counters['lost']:6d} {n_command:20d}"
        )
    trace = [c for interval in env.intervals for c in interval.commands if c.device == "MG1/ess1"]
    print("\nwhen MG1's battery obeys in the last run")
    for command in trace[:5]:
        print(f"{command.time_s:10.1f} s   {command.action[0]:+.2f} of its power")
    return {"returns": returns, "trace": trace}


if __name__ == "__main__":
    main()
