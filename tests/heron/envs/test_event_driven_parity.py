"""The general road by Python handlers leads where the compiled loop of many lanes does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heron.core.policies import Policy
from heron.messaging import MessageFaults, Outage
from heron.reference.control_loop import ControlLoop as ReferenceLoop
from heron.scheduling import JitterType, TickConfig
from heron.scheduling.control_loop import ControlLoop

STEP_S = 60.0
N_STEP = 12

Effect = tuple[float, str, float]


class Numbers(Policy):
    """Decides a number of its own each time: which agent's, and which decision of that agent."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.as_of_s: list[float] = []

    def forward(self, observation: Any) -> np.ndarray:
        number = self.first + len(self.as_of_s)
        self.as_of_s.append(observation.timestamp)
        return np.full(2, float(number))


def by_events(
    env: Any, seed: int, faults: MessageFaults, wakes: Sequence[tuple[str, float]]
) -> tuple[list[Effect], dict[str, list[float]]]:
    policies = {name: Numbers(1000 * k) for k, name in enumerate(("north", "south"))}
    for name, policy in policies.items():
        env.get_agent(name).policy = policy
    env.setup_event_driven(seed=seed, faults=faults)
    for name, time_s in wakes:
        env.scheduler.schedule_agent_tick(name, time_s)
    env.run_event_driven(N_STEP * STEP_S)
    effects = [effect for effect in env.effects if effect[0] < N_STEP * STEP_S]
    return effects, {name: policy.as_of_s for name, policy in policies.items()}


def by_loop(
    kind: type[Any],
    env: Any,
    seed: int,
    faults: MessageFaults,
    wakes: Sequence[tuple[str, float]],
) -> tuple[list[Effect], dict[str, list[float]]]:
    places = env.places()
    names = [place.name for place in places]
    owner = [-1 if place.upstream is None else names.index(place.upstream) for place in places]
    members = [name for name, of in zip(names, owner, strict=True) if of >= 0]
    configs = [place.agent.timing(STEP_S) for place in places]
    numbered = MessageFaults(
        faults.loss,
        faults.duplication,
        faults.reordering,
        faults.reordering_delay,
        tuple(Outage(o.start, o.end, names.index(str(o.sender))) for o in faults.outages),
    )
    loop = kind(1, STEP_S, owner, configs, numbered)
    loop.reset(0, seed)
    for name, time_s in wakes:
        loop.wake(0, names.index(name), time_s)
    as_of_s: dict[str, list[float]] = {"north": [], "south": []}
    effects: list[Effect] = []
    for _ in range(N_STEP):
        while True:
            _, agent, _, seen_s = loop.next_due()
            if agent.size == 0:
                break
            deciders = [names[each] for each in agent]
            payload = [1000 * (n == "south") + len(as_of_s[n]) for n in deciders]
            for name, time_s in zip(deciders, seen_s.tolist(), strict=True):
                as_of_s[name].append(time_s)
            loop.answer(np.array(payload, dtype=np.int64))
        _, member, time_s, number = loop.end_interval()
        effects += [
            (t, members[m], float(n))
            for m, t, n in zip(member, time_s.tolist(), number.tolist(), strict=True)
        ]
    return effects, as_of_s


@pytest.mark.parametrize("kind", [ControlLoop, ReferenceLoop])
@pytest.mark.parametrize("jitter", list(JitterType))
def test_effects_and_what_was_seen_are_equal_under_every_fault(tanks, kind, jitter):
    faults = MessageFaults(
        loss=0.1,
        duplication=0.2,
        reordering=0.3,
        reordering_delay=100.0,
        outages=[Outage(200.0, 300.0, sender="south")],
    )
    coordinator = TickConfig.with_jitter(
        45.0, obs_delay=30.0, msg_delay=7.0, jitter_type=jitter, jitter_ratio=0.4
    )
    tank = TickConfig.with_jitter(11.0, act_delay=5.0, jitter_type=jitter, jitter_ratio=0.3)
    wakes = [("south", 17.0), ("north", 100.0), ("north", 0.0)]
    made = [tanks(tick_config=coordinator, tank_timing={"tick_config": tank}) for _ in range(2)]
    ours = by_events(made[0], 9, faults, wakes)
    theirs = by_loop(kind, made[1], 9, faults, wakes)
    # At the very last instant the loop has not decided yet.
    for name, times_s in theirs[1].items():
        assert ours[1][name][: len(times_s)] == times_s
        assert len(ours[1][name]) - len(times_s) <= 1
    assert ours[0] == theirs[0]
    assert len(ours[0]) > 30


def timings(with_members_delays: bool) -> st.SearchStrategy[TickConfig]:
    # Whole numbers, so that much falls into one instant.
    delays = st.sampled_from([0.0, 1.0, 7.0, 30.0, 60.0, 61.0])
    return st.builds(
        TickConfig.with_jitter,
        tick_interval=st.sampled_from([5.0, 30.0, 60.0, 90.0]),
        obs_delay=delays,
        act_delay=delays if with_members_delays else st.just(0.0),
        msg_delay=delays,
        jitter_type=st.sampled_from(list(JitterType)),
        jitter_ratio=st.sampled_from([0.0, 0.2]),
        seed=st.none() | st.integers(0, 5),
    )


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**64 - 1),
    coordinator=timings(False),
    tank=timings(True),
    loss=st.sampled_from([0.0, 0.3]),
    duplication=st.sampled_from([0.0, 0.5]),
    reordering=st.sampled_from([0.0, 0.5]),
    wakes=st.lists(
        st.tuples(st.sampled_from(["north", "south"]), st.sampled_from([0.0, 30.0, 60.0, 61.5])),
        max_size=3,
    ),
)
def test_any_timing_leads_to_the_same_effects(
    tanks, seed, coordinator, tank, loss, duplication, reordering, wakes
):
    faults = MessageFaults(loss, duplication, reordering, 50.0)
    made = [tanks(tick_config=coordinator, tank_timing={"tick_config": tank}) for _ in range(2)]
    ours = by_events(made[0], seed, faults, wakes)
    assert ours[0] == by_loop(ControlLoop, made[1], seed, faults, wakes)[0]
