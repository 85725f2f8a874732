"""Batched decision points: all who must decide, with what they may see, as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heron import _core
from heron.reference import feature_table as reference_table
from heron.reference import tick_scheduler as reference_scheduler
from heron.scheduling import JitterType, Stream, TickConfig
from speed.measure import Case, Measurement, WrongAnswerError, check_equal, take_turns, timed

__all__ = ["DECISION", "GATHER", "check_decisions", "measure_decisions", "measure_gather"]

SEED = 2024
N_LANE, N_AGENT, N_SLOT = 256, 4, 32  # slots an agent
N_HISTORY = 8
STEP_S = 1.0  # of the environment: the table changes and is kept

DECISION = "next_due and the delayed observation"
REFERENCE = "the same on heron.reference"
GATHER = "FeatureTable.gather"
FANCY = "NumPy fancy indexing"


class Fleet:
    """Agents in many lanes that tick with jitter and see their slots with a jittered delay.

    The table changes and a snapshot is kept once an environment step, as in an environment; between
    two of them each agent of each lane ticks about once.
    """

    def __init__(self, scheduler: Any, table: Any, n_agent: int, n_slot: int) -> None:
        self.scheduler, self.table = scheduler, table
        self.values = table.values
        config = TickConfig.with_jitter(
            tick_interval=STEP_S, obs_delay=0.2 * STEP_S, jitter_type=JitterType.UNIFORM
        )
        for i in range(n_agent):
            scheduler.register_agent(config, (i + 1) / n_agent * STEP_S)
            table.add_observer(np.arange(i * n_slot, (i + 1) * n_slot, dtype=np.int32))
        self.rows = np.zeros((n_agent * table.n_lane, n_slot), np.float32)
        self.n_step = 0
        self._keep()

    def _keep(self) -> None:
        # Stands for the physics, and lets an observation tell of which step it is.
        self.values.fill(self.n_step)
        self.table.snapshot_all(self.n_step * STEP_S)

    def step(self) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32], Any, Any, Any]]:
        """Go through an environment step: lanes, agents, times, observations, whether stale."""
        t_end = (self.n_step + 1) * STEP_S
        stream = Stream.OBS_DELAY.value
        while True:
            lane, agent, time_s, _, _ = self.scheduler.next_due(t_end)
            n = len(lane)
            if n == 0:
                break
            seen_s = time_s - self.scheduler.draw_batch(stream, lane, agent)
            rows = self.rows[:n]
            stale = self.table.gather_as_of(agent, lane, seen_s, rows)
            yield lane, agent, time_s, rows, stale
        self.n_step += 1
        self._keep()

    def run(self, n_step: int) -> int:
        """Go through environment steps; return how many decisions there were."""
        n_decision, n_stale = 0, 0
        for _ in range(n_step):
            for lane, _, _, _, stale in self.step():
                n_decision += len(lane)
                n_stale += int(np.count_nonzero(stale))
        check_equal(n_stale, 0, "stale observations")
        return n_decision


def compiled_fleet(n_lane: int = N_LANE, n_agent: int = N_AGENT, n_slot: int = N_SLOT) -> Fleet:
    """Make the fleet on the compiled core."""
    table = _core.FeatureTable(n_agent * n_slot, n_lane, N_HISTORY)
    return Fleet(_core.TickScheduler(n_lane, SEED), table, n_agent, n_slot)


def reference_fleet(n_lane: int = N_LANE, n_agent: int = N_AGENT, n_slot: int = N_SLOT) -> Fleet:
    """Make the fleet in plain Python."""
    table = reference_table.FeatureTable(n_agent * n_slot, n_lane, N_HISTORY)
    return Fleet(reference_scheduler.TickScheduler(n_lane, SEED), table, n_agent, n_slot)


def check_decisions(n_step: int = 5) -> None:
    """Check the decisions against the reference, and what is observed against the delays."""
    compiled, reference = compiled_fleet(6), reference_fleet(6)
    n_decision = 0
    for _ in range(n_step):
        for got, expected in zip(compiled.step(), reference.step(), strict=True):
            for what, a, b in zip(
                ("lane", "agent", "time", "row", "stale"), got, expected, strict=True
            ):
                check_equal(a.tolist(), b.tolist(), f"{what} of decisions")
            _, _, time_s, rows, _ = got
            # Delays are 0.18 to 0.22 s, and snapshots are taken at whole seconds.
            if not np.all((rows == np.floor(time_s - 0.18)[:, None])
                          | (rows == np.floor(time_s - 0.22)[:, None])):  # fmt: skip
                raise WrongAnswerError("an observation is of another time than its delay says")
            n_decision += len(rows)
    n_expected = 6 * N_AGENT * n_step
    if not 0.9 * n_expected <= n_decision <= 1.1 * n_expected:
        raise WrongAnswerError(f"{n_decision} decisions, expected about {n_expected}")


def measure_decisions(share: float, n_turn: int) -> list[Measurement]:
    """Time a decision, the snapshots kept meanwhile included."""
    cases = []
    for what, fleet, n_step in (
        (DECISION, compiled_fleet(), 1_000),
        (REFERENCE, reference_fleet(), 4),
    ):
        cases.append(_DecisionCase(what, fleet, max(1, int(share * n_step))).case())
    return take_turns("decision", cases, n_turn)


class _DecisionCase:
    """Turns of whole environment steps, counted in decisions."""

    def __init__(self, what: str, fleet: Fleet, n_step: int) -> None:
        self.what, self.fleet, self.n_step = what, fleet, n_step
        self.n_decision = n_step * N_LANE * N_AGENT

    def case(self) -> Case:
        key: dict[str, int | str] = {"n": N_LANE * N_AGENT, "jitter": "uniform"}
        return Case(self.what, key, self.run, self.n_decision)

    def run(self, n_decision: int) -> float:
        n_done = 0

        def work(n_step: int) -> int:
            nonlocal n_done
            n_done = self.fleet.run(n_step)
            return n_step

        seconds = timed(work)(self.n_step)
        # Jitter decides how many fall into the turn: about as many as asked for.
        if not 0.8 * n_decision < n_done < 1.2 * n_decision:
            raise WrongAnswerError(f"{n_done} decisions, expected about {n_decision}")
        return seconds * n_decision / n_done


def measure_gather(share: float, n_turn: int) -> list[Measurement]:
    """Time one row of 32 scattered slots in float32, by number of lanes."""
    results = []
    for n_lane in (1, 256, 4096):
        results += take_turns("row", _gather_cases(n_lane, share), n_turn)
    return results


def _gather_cases(n_lane: int, share: float) -> Sequence[Case]:
    random = np.random.default_rng(SEED)
    table = _core.FeatureTable(N_AGENT * N_SLOT, n_lane)
    values = table.values
    values[:] = random.standard_normal(values.shape)
    slots = np.stack([random.permutation(N_AGENT * N_SLOT)[:N_SLOT] for _ in range(N_AGENT)])
    for row in slots.astype(np.int32):
        table.add_observer(row)
    observer = np.tile(np.arange(N_AGENT, dtype=np.int32), n_lane)
    lane = np.repeat(np.arange(n_lane, dtype=np.int32), N_AGENT)
    native, numpy = (np.zeros((len(lane), N_SLOT), np.float32) for _ in range(2))
    # What depends on the observers alone is made beforehand, as add_observer does.
    which, where = slots[observer], lane[:, None].astype(np.intp)

    def gather(n_row: int) -> int:
        for _ in range(n_row // len(lane)):
            table.gather(observer, lane, native)
        return n_row

    def fancy(n_row: int) -> int:
        for _ in range(n_row // len(lane)):
            numpy[:] = values[which, where]
        return n_row

    gather(len(lane))
    fancy(len(lane))
    check_equal(native.tolist(), numpy.tolist(), "gathered rows")
    n_row = max(1, int(share * 400_000) // len(lane) // (8 if n_lane == 1 else 1)) * len(lane)
    key: dict[str, int | str] = {"n": n_lane, "jitter": "none"}
    return [Case(GATHER, key, timed(gather), n_row), Case(FANCY, key, timed(fancy), n_row)]
