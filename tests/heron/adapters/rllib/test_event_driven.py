"""RLlib over a lane that runs by events: who acts and what they are paid."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import heron
from heron.errors import ConfigError, HeronError

pytest.importorskip("ray.rllib", reason="needs the extra multi_agent")

GRID = "MultiAgentMicrogrids-v0"
TIMING: dict[str, Any] = {
    "coordinator": {"tick_interval": 1800.0, "msg_delay": 60.0, "jitter_type": "uniform"},
    "field": {"tick_interval": 300.0},
    "agents": {"MG2": {"tick_interval": 7200.0, "obs_delay": 3600.0}},
}
CONFIG: dict[str, Any] = {"max_episode_steps": 6, "normalize_obs": True, "timing": TIMING}


def make(**changes: Any) -> Any:
    from heron.adapters.rllib import EventDrivenMultiAgentEnv

    return EventDrivenMultiAgentEnv({"env": GRID, "env_config": {**CONFIG, **changes}})


def play(env: Any, seed: int) -> list[tuple[Any, ...]]:
    """Play an episode with actions drawn by the number of the call; return what came."""
    rng = np.random.default_rng(1)
    observations, infos = env.reset(seed=seed)
    told: list[tuple[Any, ...]] = [(observations, {}, {}, {}, infos)]
    ends = False
    while not ends:
        drawn = rng.uniform(-1.0, 1.0, (3, env.action_spaces["MG1"].shape[0])).astype(np.float32)
        actions = {agent: drawn[env.possible_agents.index(agent)] for agent in told[-1][0]}
        told.append(env.step(actions))
        ends = told[-1][2]["__all__"] or told[-1][3]["__all__"]
    return told


def test_agents_observe_when_they_act_and_are_paid_what_came_meanwhile() -> None:
    env = make()
    told = play(env, 3)
    envs = heron.make_vec(GRID, 1, event_driven=True, env_config=CONFIG)
    observations, infos = envs.reset(seed=[3])
    rng, total = np.random.default_rng(1), np.zeros(3)
    for k, (seen, _, _, _, of) in enumerate(told[:-1]):
        acting = [a for a, acts in zip(envs.agents, infos["acting"][0], strict=True) if acts]
        assert list(seen) == acting
        for agent in acting:
            n = envs.agents.index(agent)
            np.testing.assert_array_equal(seen[agent], observations[0, n])
            assert of[agent] == {
                "time_s": infos["time_s"][0, n], "age_s": infos["age_s"][0, n],
            }  # fmt: skip
        drawn = rng.uniform(-1.0, 1.0, (1, *envs.single_action_space.shape)).astype(np.float32)
        observations, rewards, _, truncated, infos = envs.step(drawn)
        total += rewards[0]
        assert truncated[0] == (k == len(told) - 2)
    paid = [sum(rewards.get(agent, 0.0) for _, rewards, *_ in told) for agent in envs.agents]
    np.testing.assert_allclose(paid, total)
    np.testing.assert_array_equal(
        np.stack([told[-1][0][agent] for agent in envs.agents]), infos["final_obs"][0]
    )
    n_act = {agent: sum(agent in seen for seen, *_ in told[:-1]) for agent in envs.agents}
    assert n_act["MG2"] == 3
    assert n_act["MG1"] >= 11
    for seen, rewards, terminateds, truncateds, _ in told[1:]:
        assert set(seen) == set(rewards) == set(terminateds) - {"__all__"}
        assert set(terminateds) == set(truncateds)
    assert [agent for agent, ended in told[-1][3].items() if ended] == ["__all__"]
    assert not any(told[-1][2].values())


def test_an_episode_is_that_of_its_seed_and_another_in_another_worker() -> None:
    from ray.rllib.env.env_context import EnvContext

    from heron.adapters.rllib import EventDrivenMultiAgentEnv

    env = make()
    one, again, other = play(env, 3), play(env, 3), play(env, 4)
    assert [rewards for _, rewards, *_ in one] == [rewards for _, rewards, *_ in again]
    assert [rewards for _, rewards, *_ in one] != [rewards for _, rewards, *_ in other]
    in_workers = [
        EventDrivenMultiAgentEnv(
            EnvContext({"env": GRID, "env_config": CONFIG}, worker_index=index)
        )
        for index in (0, 1)
    ]
    of_main, of_worker = (play(env, 3)[-1][1] for env in in_workers)
    assert of_main == one[-1][1] != of_worker
    # RLlib gives the same seed with every call that samples.
    assert play(in_workers[0], 3)[-1][1] != of_main


def test_wrong_use_is_refused() -> None:
    from heron.adapters.rllib import EventDrivenMultiAgentEnv

    env = make()
    with pytest.raises(HeronError, match="reset"):
        env.step({})
    observations, _ = env.reset(seed=0)
    with pytest.raises(HeronError, match="who are to act"):
        env.step({agent: env.action_spaces[agent].sample() for agent in list(observations)[1:]})
    with pytest.raises(ConfigError, match="env_config"):
        EventDrivenMultiAgentEnv({"env": GRID, "num_envs": 3})
    heron.register("plain-v0", "tests:nothing")
    with pytest.raises(ConfigError, match="does not run by events"):
        heron.make_vec("plain-v0", 2, event_driven=True)


def test_episodes_of_the_runner_hold_what_each_agent_lived_through() -> None:
    """RLlib's own episodes take what agents that act at different times are told."""
    from ray.rllib.env.multi_agent_episode import MultiAgentEpisode

    env = make()
    observations, infos = env.reset(seed=0)
    episode = MultiAgentEpisode(
        observation_space=env.observation_spaces, action_space=env.action_spaces
    )
    episode.add_env_reset(observations=observations, infos=infos)
    total = 0.0
    while not episode.is_done:
        actions = {agent: env.action_spaces[agent].sample() for agent in observations}
        observations, rewards, terminateds, truncateds, infos = env.step(actions)
        total += sum(rewards.values())
        episode.add_env_step(
            observations, actions, rewards, infos, terminateds=terminateds, truncateds=truncateds
        )
    assert episode.get_return() == pytest.approx(total)
    assert episode.is_truncated
    assert not episode.is_terminated
    assert all(of.is_truncated and not of.is_terminated for of in episode.agent_episodes.values())
    lengths = {agent: len(of) for agent, of in episode.agent_episodes.items()}
    assert lengths["MG2"] == 3
    assert min(lengths["MG1"], lengths["MG3"]) >= 11
