"""A day of agents that tick every minute, with jitter: how long, and where the time goes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from environment_speed.problem import SEED, draw_actions, setup_config
from environment_speed.stage_clock import StageClock

from powergrid.envs.event_driven_vector_env import EventDrivenVectorEnv

__all__ = ["REST", "Day", "play_day"]

DAY_S = 86400.0
REST = "everything else"
TIMING: dict[str, Any] = {
    "coordinator": {
        "tick_interval": 60.0, "obs_delay": 2.0, "msg_delay": 0.5, "jitter_type": "uniform",
    },
    "field": {"tick_interval": 60.0, "act_delay": 0.2, "jitter_type": "uniform"},
}  # fmt: skip
# Method, by its path from the environment: what it is for.
STAGES = {
    "loop.next_due": "events up to decisions, native",
    "loop.answer": "sending decisions down, native",
    "loop.end_interval": "handing over effects, native",
    "_decisions.add": "keeping decisions",
    "_check": "check of the actions",
    "_see": "delayed observations, native",
    "pieces.commands": "commands in the devices' units",
    "pieces.live": "pieces but the last: set-points, storage, cost",
    "_run": "power flow and the rest of an interval",
    "_start": "new episodes",
}


@dataclass(frozen=True)
class Day:
    """A day of all lanes.

    Attributes
    ----------
    n_lane, step_s
        Size, and the environment's step [s].
    seconds
        Processor time on one core, without clocks.
    n_decision, n_event
        Of all lanes: decisions; decisions, deliveries, effects, environment updates, and ticks of
        devices.
    stages_s : dict of str to float
        Time on the wall by stage; the last is the rest.
    """

    n_lane: int
    step_s: float
    seconds: float
    n_decision: int
    n_event: int
    stages_s: dict[str, float]


def play_day(n_lane: int, step_s: float, hours: float = 24.0) -> Day:
    """Play a day with actions drawn beforehand, without clocks and then with them."""
    n_step = round(hours * 3600.0 / step_s)
    # One step more than is played, so that no lane starts anew meanwhile.
    config = setup_config(
        timing=TIMING, step_s=step_s, forecast_step_s=3600.0, max_episode_steps=n_step + 1
    )
    envs = EventDrivenVectorEnv(n_lane, config)
    actions = draw_actions(16, n_lane, *envs.single_action_space.shape)
    _play(envs, actions, 1)  # kernels are compiled or read at first use
    began = time.process_time()
    n_decision = _play(envs, actions, n_step)
    seconds = time.process_time() - began
    counters = envs.message_counters()
    n_device = len(envs.engine.scene.members)
    n_device_tick = round(n_lane * n_device * n_step * step_s / 60.0)  # the mean of jitter is 0
    n_event = n_decision + n_device_tick + n_lane * n_step
    n_event += int(counters["delivered"].sum() + counters["applied"].sum())
    clock = StageClock()
    # A compiled object takes no clocks; something that passes calls on does.
    loop: Any = SimpleNamespace(
        **{name: getattr(envs.loop, name) for name in dir(envs.loop) if name[0] != "_"}
    )
    envs.loop = loop
    for path, stage in STAGES.items():
        *owners, method = path.split(".")
        owner: Any = envs
        for name in owners:
            owner = getattr(owner, name)
        clock.watch(owner, method, stage)
    began = time.perf_counter()
    _play(envs, actions, n_step)
    clocked = time.perf_counter() - began
    stages = {stage: ns * 1e-9 for stage, ns in clock.spent_ns.items()}
    stages = dict(sorted(stages.items(), key=lambda item: -item[1]))
    stages[REST] = clocked - sum(stages.values())
    return Day(n_lane, step_s, seconds, n_decision, n_event, stages)


def _play(envs: EventDrivenVectorEnv, actions: np.ndarray, n_step: int) -> int:
    """Play so many steps from the start; return the number of decisions."""
    _, infos = envs.reset(seed=SEED)
    lived = np.zeros(envs.num_envs, np.int64)
    n_decision = number = 0
    while lived[0] < n_step:  # lanes live through intervals together
        n_decision += int(infos["acting"].sum())
        infos = envs.step(actions[number % len(actions)])[4]
        lived += infos["n_interval"]
        number += 1
    return n_decision
