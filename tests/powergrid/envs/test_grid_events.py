"""A single environment run by events: the lane of a batch, and without delays the steps."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from heron.agents.system_agent import SystemAgent
from heron.core.policies import Policy
from heron.errors import ConfigError, HeronError
from heron.messaging import MessageFaults
from heron.protocols.base import NoProtocol
from heron.scheduling import EventScheduler, TickConfig
from powergrid.envs.event_driven_vector_env import EventDrivenVectorEnv
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.envs.timing import TimingSeeds
from powergrid.setups.loader import load_setup

SETUPS = ["ieee34_ieee13", "ieee123_ieee13"]
LATE = {
    "coordinator": {
        "tick_interval": 1800.0, "obs_delay": 4000.0, "msg_delay": 30.0, "jitter_type": "uniform",
        "jitter_ratio": 0.3,
    },
    "field": {
        "tick_interval": 600.0, "act_delay": 20.0, "jitter_type": "gaussian", "jitter_ratio": 0.1,
    },
    "agents": {"MG2": {"tick_interval": 5000.0, "msg_delay": 700.0}},
    "faults": {
        "loss": 0.2, "duplication": 0.1, "reordering": 0.3, "reordering_delay": 900.0,
        "outages": [{"start": 20000.0, "end": 30000.0, "sender": "MG1"}],
    },
}  # fmt: skip


# Something of every kind, and alarms that go off beside the agents' own rhythm.
DISTURBED: dict[str, Any] = {
    "disturbances": [
        {"kind": "load_spike", "rate_per_h": 0.2, "duration_s": 9000.0, "size": [0.7, 1.4]},
        {"kind": "generator_trip", "rate_per_h": 0.3, "duration_s": {"mean_s": 9000.0}},
        {"kind": "line_outage", "rate_per_h": 0.1, "duration_s": 6000.0},
        {"kind": "switch_outage", "at_s": 40000.0, "duration_s": 5000.0},
        {"kind": "tap_stuck", "rate_per_h": 0.3, "duration_s": 9000.0},
        {"kind": "communication_outage", "rate_per_h": 0.2, "duration_s": {"mean_s": 5000.0}},
    ],
    "conditions": [{"kind": "voltage_alarm", "low_pu": 0.99, "cool_down_s": 8000.0}],
}


class Interval(NamedTuple):
    """What an interval came to, to be compared bit for bit."""

    effects: list[tuple[float, str, list[float]]]
    features: np.ndarray
    rewards: list[float]


class Episode(NamedTuple):
    """Observations at decisions by agent, and intervals."""

    seen: dict[str, list[np.ndarray]]
    intervals: list[Interval]


def scripted(agent: str, number: int, n_entry: int) -> np.ndarray:
    """Return the action of an agent's decision of that number."""
    rng = np.random.default_rng((int(agent.removeprefix("MG")), number))
    return rng.uniform(-1.2, 1.2, n_entry).astype(np.float32)


class Scripted(Policy):
    """Knows its actions beforehand, and remembers what it saw."""

    def __init__(self, agent: str, n_entry: int) -> None:
        self.agent, self.n_entry = agent, n_entry
        self.seen: list[np.ndarray] = []

    def reset(self) -> None:
        self.seen = []

    def forward(self, observation: np.ndarray) -> np.ndarray:
        self.seen.append(observation)
        return scripted(self.agent, len(self.seen) - 1, self.n_entry)


class Counting(Policy):
    """Counts its decisions of an episode."""

    n_decision = 0

    def reset(self) -> None:
        self.n_decision = 0

    def forward(self, observation: Any) -> Any:
        self.n_decision += 1
        return self.n_decision


def with_policies(env: MultiAgentMicrogrids) -> MultiAgentMicrogrids:
    for name, agent in env.agent_dict.items():
        agent.policy = Scripted(name, agent.action_layout.size)
    return env


class Traced(MultiAgentMicrogrids):
    """Remembers every feature at the end of each interval."""

    def _on_env_update(self, time_s: float) -> bool:
        is_over = super()._on_env_update(time_s)
        self.features.append(self.table.values[:, 0].copy())
        return is_over


def by_events(env: MultiAgentMicrogrids, seed: int | None) -> Episode:
    """Run a whole episode on the general road."""
    env.features = []
    env.reset(seed=seed)
    env.run_event_driven()
    intervals = [
        Interval(
            [(c.time_s, c.device, c.action.tolist()) for c in record.commands],
            features,
            list(record.rewards.values()),
        )
        for record, features in zip(env.intervals, env.features, strict=True)
    ]
    return Episode({n: list(a.policy.seen) for n, a in env.agent_dict.items()}, intervals)


class TracedLane(EventDrivenVectorEnv):
    """A lane that remembers what came of every interval."""

    intervals: list[Interval]

    def _judge(self) -> None:
        super()._judge()
        members, effects = self.engine.scene.members, self._effects
        width = {m.owner: len(m.device.action_names()) for m in members}
        commands = [
            (t, members[k].owner, command[: width[members[k].owner]].tolist())
            for t, k, command in zip(
                effects.time_s.tolist(), effects.device, effects.command, strict=True
            )
        ]
        self.intervals.append(
            Interval(
                [c for c in commands if c[2]],
                self.engine.scene.x[:, 0].copy(),
                self.engine.books.reward[0].tolist(),
            )
        )


def by_lane(
    config: dict[str, Any],
    seed: int,
    n_episode: int,
    env_class: type[MultiAgentMicrogrids] = MultiAgentMicrogrids,
) -> list[Episode]:
    """Run whole episodes on the batched road."""
    envs = TracedLane(1, config, env_class=env_class)
    envs.intervals = []
    observations, infos = envs.reset(seed=seed)
    episodes: list[Episode] = []
    seen: dict[str, list[np.ndarray]] = {name: [] for name in envs.agents}
    actions = np.zeros(envs.action_space.shape, np.float32)
    while len(episodes) < n_episode:
        for k in np.flatnonzero(infos["acting"][0]):
            name = envs.agents[k]
            actions[0, k] = scripted(name, len(seen[name]), actions.shape[2])
            seen[name].append(observations[0, k].copy())
        observations, _, terminations, truncations, infos = envs.step(actions)
        if terminations[0] or truncations[0]:
            episodes.append(Episode(seen, envs.intervals))
            seen, envs.intervals = {name: [] for name in envs.agents}, []
    return episodes


def assert_same(found: Episode, expected: Episode) -> None:
    assert len(found.intervals) == len(expected.intervals)
    for one, other in zip(found.intervals, expected.intervals, strict=True):
        assert one.effects == other.effects
        np.testing.assert_array_equal(one.features, other.features)
        assert one.rewards == other.rewards
    for name, seen in expected.seen.items():
        assert len(found.seen[name]) == len(seen)
        np.testing.assert_array_equal(found.seen[name], seen)
        assert all(o.dtype == np.float32 for o in found.seen[name])


@pytest.mark.parametrize("setup", SETUPS)
@pytest.mark.parametrize("changes", [{}, {"normalize_obs": True, "variability": True}, DISTURBED])
def test_the_general_road_is_the_lane_of_a_batch(setup: str, changes: dict[str, Any]) -> None:
    config = {**load_setup(setup), "timing": LATE, **changes}
    env = with_policies(Traced(config))
    for episode, expected in enumerate(by_lane(config, 5, 2)):
        found = by_events(env, None if episode else 5)
        assert_same(found, expected)
        assert len(found.intervals) == 24
        assert sum(len(i.effects) for i in found.intervals) > 100
        assert any(not seen.any() for seen in found.seen["MG1"])  # nothing was known at first
        assert any(seen.any() for seen in found.seen["MG1"])


@pytest.mark.parametrize("between", ["p2p", "price_signal"])
def test_what_goes_on_between_microgrids_is_that_of_the_lane(between: str) -> None:
    config = {**load_setup("ieee34_ieee13"), "timing": LATE, "max_episode_steps": 12}
    config["dso_config"]["protocol"] = between
    found, expected = by_events(with_policies(Traced(config)), 2), by_lane(config, 2, 1)[0]
    assert_same(found, expected)
    assert sum(len(i.effects) for i in found.intervals) > 50


def test_devices_that_answer_a_price_do_so_by_events() -> None:
    config = load_setup("ieee34_ieee13")
    for microgrid in config["microgrid_configs"]:
        microgrid["protocol"] = "price_signal"
    env, steps = with_policies(Traced(config)), MultiAgentMicrogrids(config)
    by_events(env, 2)
    steps.reset(seed=2)
    for k, record in enumerate(env.intervals):
        _, rewards, _, _, infos = steps.step(
            {n: scripted(n, k, a.action_layout.size) for n, a in steps.agent_dict.items()}
        )
        assert (record.rewards, record.infos) == (rewards, infos)
    assert steps.agents == []


def test_the_seed_of_an_episode_is_that_of_a_lane_whoever_asks() -> None:
    lane, single = np.random.default_rng(3), np.random.default_rng(3)
    of_lane = TimingSeeds(lane)
    found = []
    for episode in range(3):
        found.append(of_lane.next())
        assert lane.integers(100) == single.integers(100)
        assert TimingSeeds(single).of_episode(episode) == found[-1]
    assert len(set(found)) == 3
    assert TimingSeeds(np.random.default_rng(4)).next() not in found


def test_seeds_of_episodes_are_those_of_split_mix() -> None:
    seeds = TimingSeeds(np.random.default_rng(0))
    seeds._state = 1234567
    # From the generator's published test vectors.
    known = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert [seeds.next() for _ in known] == [number >> 1 for number in known]


def test_agents_with_a_timing_of_their_own_keep_it() -> None:
    config = {**load_setup("ieee34_ieee13"), "max_episode_steps": 6}

    class Own(Traced):
        def _place_agents(self, sites: Any) -> Any:
            agents = super()._place_agents(sites)
            for agent in agents.values():
                agent.tick_config = TickConfig.with_jitter(700.0, obs_delay=9000.0, msg_delay=50.0)
            agents["MG1"].devices["ess1"].tick_config = TickConfig.with_jitter(90.0, act_delay=40.0)
            return agents

    env = with_policies(Own(config))
    found = by_events(env, 3)
    assert env.scheduler.agent_tick_configs["MG1/ess1"].tick_interval == 90.0
    assert env.scheduler.agent_tick_configs["MG1/gen1"].tick_interval == 3600.0
    assert_same(found, by_lane(config, 3, 1, Own)[0])


@pytest.mark.parametrize("setup", SETUPS)
@pytest.mark.parametrize("is_central", [True, False])
def test_without_delays_a_run_by_events_is_the_steps(setup: str, is_central: bool) -> None:
    config = {**load_setup(setup), "centralized": is_central}
    env, steps = with_policies(Traced(config)), MultiAgentMicrogrids(load_setup(setup))
    found = by_events(env, 7)
    observations, _ = steps.reset(seed=7)
    for k, (record, interval) in enumerate(zip(env.intervals, found.intervals, strict=True)):
        for name, seen in found.seen.items():
            np.testing.assert_array_equal(seen[k], observations[name])
        observations, rewards, terminations, truncations, infos = steps.step(
            {n: scripted(n, k, a.action_layout.size) for n, a in steps.agent_dict.items()}
        )
        assert record.rewards == rewards
        assert record.infos == infos
        assert set(terminations.values()) == {record.terminated}
        assert set(truncations.values()) == {record.truncated}
        np.testing.assert_array_equal(interval.features, steps.table.values[:, 0])
    assert steps.agents == env.agents == []
    assert env.get_collective_metrics() == steps.get_collective_metrics()


@pytest.mark.parametrize("setup", ["villages", "ieee34_ieee13"])
@pytest.mark.parametrize("disturbed", [{}, DISTURBED])
def test_the_reference_lives_through_the_same_events(
    make_villages: Callable[..., Any], setup: str, disturbed: dict[str, Any]
) -> None:
    timing = {**LATE, "agents": {}, "faults": {**LATE["faults"], "outages": []}}
    records, seen = [], []
    for backend in ("native", "reference"):
        changes = {"backend": backend, "power_flow": "native", "timing": timing, **disturbed}
        if setup == "villages":
            env = make_villages(**changes)
        else:
            env = MultiAgentMicrogrids({**load_setup(setup), **changes})
        for number, agent in enumerate(env.agent_dict.values()):
            agent.policy = Scripted(f"MG{number}", agent.action_layout.size)
        env.reset(seed=1)
        n_event = env.run_event_driven()
        records.append((n_event, env.intervals, env.table.values.copy()))
        seen.append([agent.policy.seen for agent in env.agent_dict.values()])
    (n_native, native, features), (n_reference, reference, expected) = records
    assert n_native == n_reference
    np.testing.assert_allclose(features, expected, rtol=1e-7, atol=1e-7)
    for one, other in zip(native, reference, strict=True):
        assert [(c.device, c.time_s) for c in one.commands] == [
            (c.device, c.time_s) for c in other.commands
        ]
        for name, info in other.infos.items():
            assert one.infos[name] == pytest.approx(info, rel=1e-7, abs=1e-7)
            for energy in ("energy_bought_mwh", "energy_sold_mwh"):
                assert one.infos[name][energy] == pytest.approx(info[energy], abs=1e-9)
    for one, other in zip(*seen, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)


def test_a_delay_of_any_length_is_one_that_an_episode_can_have(
    make_villages: Callable[..., Any],
) -> None:
    """Nothing is known in an episode that is shorter than the delay, and nothing kept for it."""
    env = make_villages(timing={"coordinator": {"obs_delay": 1e11}}, max_episode_steps=4)
    for number, agent in enumerate(env.agent_dict.values()):
        agent.policy = Scripted(f"MG{number}", agent.action_layout.size)
    env.reset(seed=0)
    env.run_event_driven()
    assert len(env.intervals) == 4
    seen = [x for agent in env.agent_dict.values() for x in agent.policy.seen]
    assert len(seen) == 4 * len(env.agent_dict)
    assert not np.any(seen)


def test_a_run_can_be_stopped_and_goes_on(make_villages: Callable[..., Any]) -> None:
    env = make_villages(timing=LATE | {"agents": {}, "faults": {"loss": 0.2}})
    for number, agent in enumerate(env.agent_dict.values()):
        agent.policy = Scripted(f"MG{number}", agent.action_layout.size)
    env.reset(seed=1)
    n_event = env.run_event_driven()
    rewards = [record.rewards for record in env.intervals]
    env.reset(seed=1)
    assert env.intervals == []
    parts = [env.run_event_driven(3600.0 * k) for k in range(7)]
    assert sum(parts) == n_event
    assert [record.rewards for record in env.intervals] == rewards
    assert env.run_event_driven() == 0


@pytest.mark.parametrize("on_failure", ["terminate", "continue"])
def test_a_power_flow_without_solution_counts_as_in_a_step(
    make_villages: Callable[..., Any], on_failure: str
) -> None:
    load = np.full(48, 0.8)
    load[2] = 200.0
    dataset = {"train": {"load": load, "solar": np.full(48, 0.5)}}
    env, steps = (
        make_villages(dataset=dataset, on_convergence_failure=on_failure) for _ in range(2)
    )
    for number, agent in enumerate(env.agent_dict.values()):
        agent.policy = Scripted(f"MG{number}", agent.action_layout.size)
    env.reset(seed=0, options={"day": 0})
    env.run_event_driven()
    steps.reset(seed=0, options={"day": 0})
    for k, record in enumerate(env.intervals):
        actions = {
            name: scripted(f"MG{number}", k, agent.action_layout.size)
            for number, (name, agent) in enumerate(steps.agent_dict.items())
        }
        _, rewards, terminations, truncations, infos = steps.step(actions)
        assert (record.rewards, record.infos) == (rewards, infos)
        assert terminations["A"] == record.terminated
        assert truncations["A"] == record.truncated
    assert steps.agents == []
    assert len(env.intervals) == (3 if on_failure == "terminate" else 6)
    assert not env.intervals[2].infos["A"]["converged"]


def test_a_reset_leaves_nothing_of_the_run_behind(make_villages: Callable[..., Any]) -> None:
    env, fresh = (make_villages() for _ in range(2))
    system = SystemAgent("DSO", policy=Counting(), protocol=NoProtocol())
    env.set_system_agent(system)
    for each in (env, fresh):
        for number, agent in enumerate(each.agent_dict.values()):
            agent.policy = Scripted(f"MG{number}", agent.action_layout.size)
    env.reset(seed=0)
    env.run_event_driven(2 * 3600.0)
    assert system.policy.n_decision == 3
    env.reset(seed=1)
    assert system.policy.n_decision == 0
    fresh.reset(seed=1)
    twin = pickle.loads(pickle.dumps(copy.deepcopy(env)))
    rng = np.random.default_rng(0)
    for _ in range(3):
        actions = {
            name: rng.uniform(-1.0, 1.0, agent.action_layout.size)
            for name, agent in env.agent_dict.items()
        }
        expected = fresh.step(actions)[1]
        assert env.step(actions)[1] == twin.step(actions)[1] == expected


def test_nothing_unread_outlives_the_episode(make_villages: Callable[..., Any]) -> None:
    timing = {"coordinator": {"tick_interval": 60.0}, "field": {"tick_interval": 10**6}}
    env = make_villages(timing=timing)
    for number, agent in enumerate(env.agent_dict.values()):
        agent.policy = Scripted(f"MG{number}", agent.action_layout.size)
    env.reset(seed=0)
    env.run_event_driven()
    assert env.message_broker.n_unread > 0
    env.reset()
    assert env.message_broker.n_unread == 0
    env.step({name: env.idle_action(name) for name in env.agents})


def test_a_system_agent_above_ticks_first_and_leads(make_villages: Callable[..., Any]) -> None:
    class SameForAll(NoProtocol):
        def coordinate(self, action: Any, devices: Any) -> dict[str, Any]:
            return {name: agent.idle_action() for name, agent in devices.items()}

    class Constant(Policy):
        def forward(self, observation: Any) -> Any:
            return 0.0

    env, idle = (make_villages(timing={"system": {"tick_interval": 1800.0}}) for _ in range(2))
    env.set_system_agent(SystemAgent("DSO", policy=Constant(), protocol=SameForAll()))
    env.reset(seed=4)
    env.run_event_driven()
    assert env.scheduler.agent_tick_configs["DSO"].tick_interval == 1800.0
    idle.reset(seed=4)
    for record in env.intervals:
        _, rewards, *_ = idle.step({name: idle.idle_action(name) for name in idle.agents})
        assert record.rewards == pytest.approx(rewards, rel=1e-6)


def test_events_begin_with_an_episode_and_end_with_it(make_villages: Callable[..., Any]) -> None:
    env = make_villages()
    with pytest.raises(HeronError, match="begins with an episode"):
        env.setup_event_driven()
    env.reset(seed=0)
    with pytest.raises(ConfigError, match="stands at 5"):
        env.setup_event_driven(EventScheduler(5.0))
    scheduler = env.get_event_scheduler()
    assert env.get_event_scheduler() is scheduler
    assert list(scheduler.agent_tick_configs) == list(env.heron_agents)
    idle = {name: env.idle_action(name) for name in env.agents}
    with pytest.raises(HeronError, match="run by events"):
        env.step(idle)
    env.reset()
    env.step(idle)
    with pytest.raises(HeronError, match="begins with an episode"):
        env.setup_event_driven()


def test_an_agent_without_policy_says_so(make_villages: Callable[..., Any]) -> None:
    env = make_villages()
    env.reset(seed=0)
    with pytest.raises(ConfigError, match="has neither a policy"):
        env.run_event_driven()


def test_scheduler_seed_and_faults_may_be_given(make_villages: Callable[..., Any]) -> None:
    env = make_villages(timing={"faults": {"loss": 0.0}})
    for number, agent in enumerate(env.agent_dict.values()):
        agent.policy = Scripted(f"MG{number}", agent.action_layout.size)
    env.reset(seed=0)
    own = EventScheduler()
    timing = TickConfig(300.0, obs_delay=10.0**5)
    own.register_agent("A", tick_config=timing)
    assert env.setup_event_driven(own, seed=3, faults=MessageFaults(loss=1.0)) is own
    env.run_event_driven()
    assert own.agent_tick_configs["A"] == timing
    assert not any(record.commands for record in env.intervals)
    assert env.courier.counters["lost"] == env.courier.counters["sent"] > 0
    assert len(env.agent_dict["A"].policy.seen) == 6 * 12
    assert not np.any(env.agent_dict["A"].policy.seen)


def test_actions_in_the_dict_mode_reach_the_devices(make_villages: Callable[..., Any]) -> None:
    class Unflat(Scripted):
        def __init__(self, agent: str, layout: Any) -> None:
            super().__init__(agent, layout.size)
            self.layout = layout

        def forward(self, observation: np.ndarray) -> Any:
            return self.layout.unflatten(np.clip(super().forward(observation), -1.0, 1.0))

    env, steps = (make_villages(action_mode="dict") for _ in range(2))
    for number, agent in enumerate(env.agent_dict.values()):
        agent.policy = Unflat(f"MG{number}", agent.action_layout)
    env.reset(seed=0)
    env.run_event_driven()
    steps.reset(seed=0)
    for k, record in enumerate(env.intervals):
        actions = {}
        for number, (name, agent) in enumerate(steps.agent_dict.items()):
            flat = np.clip(scripted(f"MG{number}", k, agent.action_layout.size), -1.0, 1.0)
            actions[name] = agent.action_layout.unflatten(flat)
        assert record.rewards == steps.step(actions)[1]
