"""Where the time of a step goes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from environment_speed.batch import Batch
from environment_speed.problem import EPISODE, SEED
from environment_speed.single import Single
from environment_speed.stage_clock import StageClock

__all__ = ["POWER_FLOW", "Breakdown", "measure"]

POWER_FLOW = "power flow, regulators settled"
REST = "everything else"
RESET = "new episodes"
# Method of the engine: what it is for.
ENGINE = {
    "devices.set_points": "actions to set-points",
    "network.write_inputs": "loads and set-points into the power flow",
    "network.settle": POWER_FLOW,
    "network.read_results": "voltages, flows and meters out of it",
    "devices.advance": "devices live through the interval",
    "devices.book": "cost rates and violations of devices",
    "books.book": "cost, safety, energy of agents",
    "books.pay": "rewards",
    "interval.go_on": "prices, clock, forecasts, sun and wind",
    "observer.observe": "observations",
}
PETTINGZOO = {
    "take": "Python: check and take over the actions",
    "settle": "Python: dicts of rewards and infos",
    "observations": "Python: arrays of observations",
}
VECTOR = {
    "_check": "check of the actions",
    "_judge": "ends of episodes",
    "_start": RESET,
}


@dataclass(frozen=True)
class Breakdown:
    """The time of a step by stage.

    Attributes
    ----------
    n_lane
        Lanes of the batch; 0 is the PettingZoo environment.
    total_us
        Of a step of a lane, stages called one by one, without clocks [us]; new episodes included.
    stages_us
        Medians over turns, by stage, of a step of a lane [us]; the last is the rest.
    """

    n_lane: int
    total_us: float
    stages_us: dict[str, float]

    def share(self, stage: str) -> float:
        """Return the part of the total that a stage takes."""
        return self.stages_us[stage] / self.total_us


def measure(lanes: Sequence[int], turn_s: float, n_turn: int) -> list[Breakdown]:
    """Measure the PettingZoo environment, then batches."""
    single = Single()
    single.env.reset(seed=SEED)  # makes the engine, if it is not there yet
    single.env._simulation.engine.run_by_stages()
    found = [_break_down(0, single.play, EPISODE, _watch_single(single), turn_s, n_turn)]
    for n_lane in lanes:
        batch = Batch(n_lane)
        batch.scatter()
        batch.envs.engine.run_by_stages()
        play, unit = batch.play, EPISODE * n_lane
        found.append(_break_down(n_lane, play, unit, _watch_batch(batch), turn_s, n_turn))
    return found


def _watch_single(single: Single) -> Callable[[StageClock], None]:
    def watch(clock: StageClock) -> None:
        simulation = single.env._simulation
        for method, stage in PETTINGZOO.items():
            clock.watch(simulation, method, stage)
        _watch_engine(clock, simulation.engine)
        clock.watch(single.env, "reset", RESET)

    return watch


def _watch_batch(batch: Batch) -> Callable[[StageClock], None]:
    def watch(clock: StageClock) -> None:
        for method, stage in VECTOR.items():
            clock.watch(batch.envs, method, stage)
        _watch_engine(clock, batch.envs.engine)

    return watch


def _watch_engine(clock: StageClock, engine: Any) -> None:
    for path, stage in ENGINE.items():
        part, method = path.split(".")
        clock.watch(getattr(engine, part), method, stage)
    engine.run_by_stages()  # those that are watched now


def _break_down(
    n_lane: int,
    play: Callable[[int], int],
    unit: int,
    watch: Callable[[StageClock], None],
    turn_s: float,
    n_turn: int,
) -> Breakdown:
    """Time turns without clocks, then as many with them."""
    play(unit)
    began = time.perf_counter()
    play(unit)
    n = unit * max(1, round(turn_s / (time.perf_counter() - began)))
    totals = []
    for _ in range(n_turn):
        began = time.perf_counter()
        play(n)
        totals.append((time.perf_counter() - began) / n * 1e6)
    clock = StageClock()
    watch(clock)
    play(unit)
    turns: list[dict[str, float]] = []
    for _ in range(n_turn):
        clock.forget()
        play(n)
        turns.append({stage: ns / n * 1e-3 for stage, ns in clock.spent_ns.items()})
    total = statistics.median(totals)
    stages = {stage: statistics.median(turn[stage] for turn in turns) for stage in turns[0]}
    stages = dict(sorted(stages.items(), key=lambda item: -item[1]))
    stages[REST] = total - sum(stages.values())
    return Breakdown(n_lane, total, stages)
