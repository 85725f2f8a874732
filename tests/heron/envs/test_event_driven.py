"""Environments run by events: delays, messages, who decides, and the order within an instant."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heron.agents import CoordinatorAgent, ProxyAgent, SystemAgent
from heron.core.feature_table import FeatureTable
from heron.core.policies import Policy
from heron.envs import HeronEnvCore
from heron.errors import ConfigError, HeronError
from heron.messaging import MessageFaults, Outage
from heron.protocols import NoProtocol, PriceSignalProtocol, Protocol, SetpointProtocol
from heron.reference.event_scheduler import EventScheduler as ReferenceScheduler
from heron.scheduling import Event, EventScheduler, EventType, JitterType, TickConfig

STEP_S = 60.0


class Constant(Policy):
    """Gives the same action, and remembers what it saw."""

    def __init__(self, action: Any) -> None:
        self.action = action
        self.seen: list[Any] = []

    def forward(self, observation: Any) -> Any:
        self.seen.append(observation)
        return self.action


class Split(Policy):
    """Set-points of all tanks, by the number of the interval."""

    def forward(self, observation: Any) -> dict[str, Any]:
        interval = observation.global_info["interval"]
        return {"north": np.array([0.1, 0.2]) * interval, "south": np.array([0.3, 0.4])}


def plant(**kwargs: Any) -> SystemAgent:
    return SystemAgent("plant", policy=Split(), protocol=SetpointProtocol(), **kwargs)


def levels_seen(env: Any, group: str) -> list[tuple[float, list[float], bool]]:
    """Return time, levels and staleness of what a coordinator's policy saw."""
    return [
        (o.timestamp, [float(t["water"][0]) for t in o.local["subordinates"].values()], o.is_stale)
        for o in env.get_agent(group).policy.seen
    ]


def run_and_watch(env: Any, t_end: float) -> list[tuple[float, int, str, str | None]]:
    """Return time, priority, type and agent of every event until then."""
    seen = []
    for kind, handler in env.scheduler.handlers.items():

        def watched(event: Event, scheduler: Any, handler: Any = handler) -> None:
            seen.append((event.timestamp, event.priority, event.event_type.name, event.agent_id))
            handler(event, scheduler)

        env.scheduler.set_handler(kind, watched)
    env.run_event_driven(t_end)
    return seen


# --- without delays --------------------------------------------------------------------------


def test_without_delays_it_is_the_synchronous_mode_bit_for_bit(tanks):
    stepped, driven = tanks(), tanks()
    driven.setup_event_driven()
    for k in range(1, 25):
        stepped.step_by_policies()
        driven.run_event_driven(k * STEP_S - 1.0)
        driven.run_event_driven(k * STEP_S, max_events=1)  # the end of the interval alone
        assert driven.levels() == stepped.levels()
    assert stepped.levels()[0] != 10.0
    assert driven.effects == stepped.effects
    for group in ("north", "south"):
        ours, theirs = (env.get_agent(group).policy.seen for env in (driven, stepped))
        assert [o.vector().tolist() for o in ours] == [o.vector().tolist() for o in theirs]


def test_three_levels_without_delays_are_the_synchronous_mode_too(tanks):
    stepped, driven = tanks(), tanks()
    for env in (stepped, driven):
        env.set_system_agent(plant())
    driven.setup_event_driven()
    driven.run_event_driven(10 * STEP_S - 1.0)
    for _ in range(10):
        observation = stepped.get_observations()["plant"]
        stepped.step({"plant": stepped.system_agent.policy.forward(observation)})
    assert driven.effects == stepped.effects
    assert [rate for _, name, rate in driven.effects if name == "north/b"][:3] == [0.0, 0.2, 0.4]


def test_messages_instead_of_calls_change_nothing(tanks):
    direct, distributed = tanks(), tanks()
    distributed.configure_agents_for_distributed()
    for _ in range(5):
        direct.step_by_policies()
        distributed.step_by_policies()
    assert distributed.message_broker.counters["consumed"] == 5 * 4
    assert distributed.effects == direct.effects
    assert distributed.levels() == direct.levels()


def test_an_instant_goes_from_the_end_of_the_interval_down_to_effects(tanks):
    env = tanks()
    env.set_system_agent(plant())
    env.setup_event_driven()
    env.run_event_driven(STEP_S - 1.0)
    events = [event[1:] for event in run_and_watch(env, STEP_S)]
    assert events[:6] == [
        (0, "ENV_UPDATE", None),
        (2, "AGENT_TICK", "plant"),
        (1, "MESSAGE_DELIVERY", "north"),
        (1, "MESSAGE_DELIVERY", "south"),
        (3, "AGENT_TICK", "north"),
        (1, "MESSAGE_DELIVERY", "north/a"),
    ]
    assert [event for event in events if event[0] >= 3] == [
        (3, "AGENT_TICK", "north"),
        (3, "AGENT_TICK", "south"),
        *((4, "AGENT_TICK", name) for name in env.inflow),
        *((5, "ACTION_EFFECT", name) for name in env.inflow),
    ]


# --- delays ----------------------------------------------------------------------------------


def test_a_message_and_then_an_action_take_their_time(tanks):
    env = tanks(
        tick_interval=STEP_S, msg_delay=7.0, tank_timing={"tick_interval": 10.0, "act_delay": 3.0}
    )
    env.setup_event_driven()
    env.run_event_driven(200.0)
    # Sent at 0, 60, ...; there 7 s later; read at the tank's next tick; in effect 3 s after that.
    assert [t for t, name, _ in env.effects if name == "north/a"] == [13.0, 73.0, 133.0, 193.0]


def test_an_effect_in_mid_interval_counts_from_then_on(tanks):
    env = tanks(act_delay=15.0)
    env.get_agent("north").policy = Constant(np.array([1.0, 0.0]))
    env.setup_event_driven()
    env.run_event_driven(2 * STEP_S)
    assert env.pumped["north/a"] == 45.0 + 60.0
    assert env.get_agent("north/a").state.water.level_m3 == 10.0 + 105.0 - 2 * 15.0


def test_a_late_observation_is_the_newest_snapshot_that_old(tanks):
    prompt, late = tanks(), tanks(obs_delay=90.0)
    for env in (prompt, late):
        for group in ("north", "south"):
            env.get_agent(group).policy = Constant(np.array([0.9, 0.1]))
        env.setup_event_driven()
        env.run_event_driven(6 * STEP_S)
    truth = {t: levels for t, levels, _ in levels_seen(prompt, "north")}
    assert len({tuple(levels) for levels in truth.values()}) == 7
    assert levels_seen(late, "north") == [
        (-90.0, [0.0, 0.0], True),
        (-30.0, [0.0, 0.0], True),
        (30.0, truth[0.0], False),
        (90.0, truth[60.0], False),
        (150.0, truth[120.0], False),
        (210.0, truth[180.0], False),
        (270.0, truth[240.0], False),
    ]
    seen = late.get_agent("north").policy.seen
    assert len({o.vector().shape for o in seen}) == 1
    assert [o.global_info["interval"] for o in seen] == [0, 0, 0, 1, 2, 3, 4]


def test_delays_of_more_than_a_hundred_steps_are_remembered(tanks):
    env = tanks(obs_delay=150 * STEP_S)
    env.get_agent("north").policy = Constant(np.zeros(2))
    env.setup_event_driven()
    env.run_event_driven(160 * STEP_S)
    seen = env.get_agent("north").policy.seen
    assert [o.is_stale for o in seen] == [True] * 150 + [False] * 11
    assert seen[-1].global_info["interval"] == 10.0


def test_each_agent_ticks_at_its_own_rate(tanks):
    env = tanks(tick_interval=120.0, tank_timing={"tick_interval": 25.0})
    env.setup_event_driven()
    ticks = [(t, name) for t, _, kind, name in run_and_watch(env, 300.0) if kind == "AGENT_TICK"]
    assert [t for t, name in ticks if name == "north"] == [0.0, 120.0, 240.0]
    assert [t for t, name in ticks if name == "south/b"] == [25.0 * k for k in range(13)]


# --- messages that go wrong ------------------------------------------------------------------


def test_where_a_message_is_lost_the_last_action_holds(tanks):
    env = tanks()
    faults = MessageFaults(outages=[Outage(30.0, 150.0, sender="north")])
    env.setup_event_driven(faults=faults)
    env.run_event_driven(4 * STEP_S - 1.0)
    assert [t for t, name, _ in env.effects if name == "north/a"] == [0.0, 180.0]
    assert [t for t, name, _ in env.effects if name == "south/a"] == [0.0, 60.0, 120.0, 180.0]
    assert env.courier.counters["outage"] == 4
    assert env.courier.counters["delivered"] == 16 - 4
    assert env.pumped["north/a"] == pytest.approx(3 * STEP_S * env.effects[0][2])


def test_of_several_actions_that_wait_the_newest_is_done(tanks):
    env = tanks(tank_timing={"tick_interval": 300.0})
    env.setup_event_driven()
    env.run_event_driven(300.0)
    first, last = env.get_agent("north").policy.seen[0], env.get_agent("north").action
    assert first.timestamp == 0.0
    assert [(t, rate) for t, name, rate in env.effects if name == "north/a"] == [
        (0.0, float(env.get_agent("south").policy.forward(first)[0])),
        (300.0, float(last[0])),
    ]
    assert env.effects[0][2] != float(last[0])


@pytest.mark.parametrize("jitter", [JitterType.UNIFORM, JitterType.GAUSSIAN])
def test_a_seed_gives_one_run_and_both_schedulers_the_same(tanks, jitter):
    faults = MessageFaults(loss=0.2, duplication=0.2, reordering=0.3, reordering_delay=40.0)

    def run(seed: int, scheduler: Any = None) -> tuple[Any, ...]:
        timing = TickConfig.with_jitter(
            25.0, obs_delay=40.0, act_delay=9.0, msg_delay=5.0, jitter_type=jitter, jitter_ratio=0.3
        )
        env = tanks(tick_config=timing)
        env.setup_event_driven(scheduler, seed=seed, faults=faults)
        n_event = env.run_event_driven(1800.0)
        return n_event, env.effects, env.levels(), env.courier.counters

    assert run(5) == run(5)
    assert run(5) == run(5, ReferenceScheduler(seed=5))
    assert run(5)[1] != run(6)[1]
    assert run(5)[3]["lost"] > 5


def test_a_second_run_begins_from_nothing(tanks):
    env = tanks(tick_config=TickConfig.with_jitter(25.0, 40.0, act_delay=9.0, msg_delay=31.0))
    runs = []
    for _ in range(2):
        env.reset()
        env.setup_event_driven(seed=3)
        env.run_event_driven(500.0)
        runs.append((env.effects, env.levels()))
    assert runs[0] == runs[1]


# --- who decides -----------------------------------------------------------------------------


def test_agents_that_nobody_leads_decide_for_themselves(tanks):
    env = tanks(protocol=NoProtocol())
    env.get_agent("north/a").policy = Constant([0.75])
    env.setup_event_driven()
    env.run_event_driven(STEP_S)
    assert env.effects == [(0.0, "north/a", 0.75), (60.0, "north/a", 0.75)]
    assert env.courier.counters["sent"] == 0


def test_one_that_is_left_out_is_told_to_decide_for_itself(tanks):
    class Sometimes(Protocol):
        def coordinate(self, action: Any, devices: Any) -> dict[str, Any]:
            return {"a": [0.5], "b": [0.5]} if action else {"a": [0.25]}

    env = tanks(protocol=Sometimes())
    env.get_agent("north").policy = Constant(1)
    env.get_agent("south").policy = Constant(0)
    env.get_agent("north/b").policy = Constant([0.9])
    env.setup_event_driven()
    env.run_event_driven(STEP_S - 1.0)
    assert env.effects == [(0.0, "north/a", 0.5), (0.0, "north/b", 0.5), (0.0, "south/a", 0.25)]
    assert env.get_agent("north/b").is_commanded
    env.get_agent("north").policy.action = 0
    env.effects.clear()
    env.run_event_driven(2 * STEP_S)
    assert [(t, rate) for t, name, rate in env.effects if name == "north/b"] == [
        (60.0, 0.9),
        (120.0, 0.9),
    ]
    assert not env.get_agent("north/b").is_commanded


def test_who_is_commanded_holds_between_commands(tanks):
    env = tanks(tick_interval=120.0, tank_timing={"tick_interval": 30.0})
    for name in env.inflow:
        env.get_agent(name).policy = Constant([0.9])
    env.setup_event_driven()
    env.run_event_driven(239.0)
    assert [t for t, name, _ in env.effects if name == "north/a"] == [0.0, 120.0]
    assert all(rate != 0.9 for *_, rate in env.effects)


def test_a_coordinator_under_command_passes_each_command_on_once(tanks):
    env = tanks()
    env.set_system_agent(plant(tick_interval=180.0))
    env.setup_event_driven()
    env.run_event_driven(6 * STEP_S - 1.0)
    assert [(t, rate) for t, name, rate in env.effects if name == "north/b"] == [
        (0.0, 0.0),
        (180.0, 0.2 * 3),
    ]
    assert env.get_agent("north").policy.seen == []


def test_a_coordinator_without_policy_waits_for_one_above_or_complains(tanks):
    env = tanks()
    for group in ("north", "south"):
        env.get_agent(group).policy = None
    env.setup_event_driven()
    with pytest.raises(ConfigError, match="'north' has neither a policy nor an upstream action"):
        env.run_event_driven(0.0)
    env.set_system_agent(SystemAgent("plant", protocol=NoProtocol()))
    env.setup_event_driven()
    env.run_event_driven(STEP_S)
    assert env.effects == []


def test_devices_answer_a_price(tanks):
    env = tanks(protocol=PriceSignalProtocol())
    env.get_agent("north").policy = Constant(40.0)
    env.get_agent("south").policy = Constant(60.0)
    env.setup_event_driven()
    env.run_event_driven(0.0)
    assert [rate for *_, rate in env.effects] == [0.5, 0.5, 0.1, 0.1]


def test_a_command_takes_effect_unrounded_while_the_agent_keeps_it_clipped(tanks):
    env = tanks()
    env.get_agent("north").policy = Constant(np.array([0.1, 2.0]))
    env.setup_event_driven()
    env.run_event_driven(0.0)
    assert [rate for _, name, rate in env.effects if name.startswith("north")] == [0.1, 2.0]
    assert env.get_agent("north/a").action.c.tolist() == [float(np.float32(0.1))]
    assert env.get_agent("north/b").action.c.tolist() == [1.0]


def test_what_a_subclass_makes_of_a_command_takes_effect(tank):
    class Cautious(tank):
        def act(self, observation: Any, upstream_action: Any = None) -> Any:
            super().act(observation, upstream_action)
            return np.minimum(upstream_action, 0.4)

    env, effects = HeronEnvCore(), []
    env.register_agent(
        CoordinatorAgent("house", Constant([0.9]), SetpointProtocol(), subordinates=[Cautious("a")])
    )
    env.setup_event_driven()
    env.setup_default_handlers(on_action_effect=lambda name, action: effects.append((name, action)))
    env.run_event_driven(0.0)
    assert [(name, action.tolist()) for name, action in effects] == [("house/a", [0.4])]


# --- what is seen ----------------------------------------------------------------------------


def test_a_proxy_of_ones_own_filters_by_its_rules(tanks):
    env = tanks()
    env.set_proxy_agent(ProxyAgent(visibility_rules={"north": ["north/a.water"]}))
    env.get_agent("north").policy = policy = Constant(np.zeros(2))
    env.setup_event_driven()
    env.run_event_driven(0.0)
    (observation,) = policy.seen
    assert observation.local == {"subordinates": {"a": {"water": [10.0]}, "b": {}}}
    assert observation.global_info == {}


def test_the_values_of_nobody_come_from_a_function_if_one_is_given(tanks):
    env = tanks(obs_delay=60.0)
    env.get_agent("north").policy = policy = Constant(np.zeros(2))
    env.setup_event_driven()
    env.setup_default_handlers(global_state_fn=lambda: {"weather": env.simulation_time})
    env.run_event_driven(2 * STEP_S)
    assert [o.global_info["weather"] for o in policy.seen] == [0.0, 0.0, 60.0]
    assert [o.is_stale for o in policy.seen] == [True, False, False]


def test_a_table_of_the_environments_shows_the_same(tanks):
    class OnATable(tanks):
        def _on_env_update(self, time_s: float) -> bool:
            is_over = super()._on_env_update(time_s)
            self.table.snapshot_all(time_s)
            return is_over

    def run(env: Any) -> list[tuple[float, list[float], bool]]:
        env.setup_event_driven()
        env.run_event_driven(5 * STEP_S)
        return levels_seen(env, "north")

    env = OnATable(obs_delay=60.0)
    for group in ("north", "south"):
        env.get_agent(group).policy = Constant(np.array([0.9, 0.1]))
    env.table = FeatureTable(n_history=10)
    for name, agent in env.heron_agents.items():
        agent.state.bind(env.table, name)
    env.table.freeze()
    env.table.snapshot_all(0.0)
    env.set_proxy_agent(ProxyAgent())
    env.proxy_agent.use_table(env.table)
    plain = tanks(obs_delay=60.0)
    for group in ("north", "south"):
        plain.get_agent(group).policy = Constant(np.array([0.9, 0.1]))
    assert run(env) == run(plain)


# --- running ---------------------------------------------------------------------------------


def test_an_episode_that_is_over_ends_the_run(tanks):
    env = tanks(n_step=3)
    env.setup_event_driven()
    env.run_event_driven(1e9)
    assert env.simulation_time == 3 * STEP_S
    assert env.scheduler.pending_count == 0
    assert max(t for t, *_ in env.effects) == 2 * STEP_S
    assert env.run_event_driven(1e9) == 0


def test_a_run_may_be_cut_anywhere(tanks):
    whole, cut = tanks(act_delay=10.0), tanks(act_delay=10.0)
    n_event = whole.run_event_driven(300.0)
    n_cut = 0
    while cut.run_event_driven(300.0, max_events=1):
        n_cut += 1
    assert (cut.effects, cut.levels(), n_cut) == (whole.effects, whole.levels(), n_event)
    assert n_event > 50


def test_without_intervals_every_effect_is_seen(tank):
    class Valve(HeronEnvCore):
        def _on_action_effect(self, agent_name: str, action: Any, time_s: float) -> None:
            self.get_agent(agent_name).state.water.level_m3 += 1.0

    env, policy = Valve(), Constant(np.zeros(2))
    tanks = [tank(name, tick_interval=10.0) for name in ("a", "b")]
    env.register_agent(
        CoordinatorAgent(
            "house", policy, SetpointProtocol(), subordinates=tanks, tick_interval=10.0
        )
    )
    env.run_event_driven(25.0)
    levels = [o.local["subordinates"]["a"]["water"].tolist() for o in policy.seen]
    assert levels == [[10.0], [11.0], [12.0]]


def test_handlers_can_be_replaced_one_by_one(tanks):
    env, custom = tanks(), []
    env.setup_event_driven()
    env.set_event_handlers(
        on_action_effect=lambda event, scheduler: None,
        on_custom=lambda event, scheduler: custom.append(event.timestamp),
    )
    env.scheduler.schedule(Event(5.0, event_type=EventType.CUSTOM))
    env.run_event_driven(STEP_S)
    assert (env.effects, custom) == ([], [5.0])
    assert env.courier.counters["delivered"] == 8


def test_an_extra_tick_wakes_an_agent(tanks):
    env = tanks()
    env.setup_event_driven()
    for time_s in (0.0, 20.0, 60.0):
        env.scheduler.schedule_agent_tick("north", time_s)
    env.run_event_driven(60.0)
    assert [o.timestamp for o in env.get_agent("north").policy.seen] == [0.0, 20.0, 60.0]
    assert env.courier.counters["sent"] == 3 * 2 + 2 * 2


def test_a_scheduler_of_ones_own_keeps_the_timing_it_has(tanks):
    env, scheduler = tanks(), EventScheduler(start_time=1000.0)
    scheduler.register_agent("north", tick_interval=7.0)
    env.start_s = 1000.0
    assert env.setup_event_driven(scheduler) is scheduler
    assert scheduler.agent_intervals["north"] == 7.0
    assert scheduler.agent_intervals["south"] == STEP_S
    ticks = [event for event in run_and_watch(env, 1010.0) if event[2] == "AGENT_TICK"]
    assert [(t, p) for t, p, _, name in ticks if name == "north"] == [(1000.0, 3), (1007.0, 3)]
    assert env.simulation_time == 1007.0
    env.run_event_driven(1060.0)
    assert env.k == 1


def test_agents_of_others_on_the_same_scheduler_are_let_be(tanks):
    env, scheduler = tanks(), EventScheduler()
    scheduler.register_agent("stranger", tick_interval=1.0)
    env.setup_event_driven(scheduler)
    ticks = [event[3] for event in run_and_watch(env, 10.0) if event[2] == "AGENT_TICK"]
    assert ticks.count("stranger") == 11
    assert len(env.get_agent("north").policy.seen) == 1


def test_handlers_need_a_scheduler(tanks):
    for call in ("setup_default_handlers", "set_event_handlers"):
        with pytest.raises(HeronError, match=r"call setup_event_driven\(\)"):
            getattr(tanks(), call)()
    assert tanks().simulation_time == 0.0
