"""The environment that the installed package offers by id."""

from __future__ import annotations

import heron
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids


def test_the_microgrids_are_made_by_their_id() -> None:
    env = heron.make("MultiAgentMicrogrids-v0", env_config={"max_episode_steps": 3})
    assert type(env) is MultiAgentMicrogrids
    assert env.max_episode_steps == 3
    assert env.possible_agents == ["MG1", "MG2", "MG3"]


def test_a_setup_is_made_by_its_name_alone_and_in_lanes() -> None:
    config = {"max_episode_steps": 3}
    env = heron.make("ieee34_ieee13", env_config=config)
    assert env.max_episode_steps == 3
    assert env.share_reward  # what the setup says
    lanes = heron.make_vec("ieee34_ieee13", 2, env_config=config)
    by_events = heron.make_vec("ieee34_ieee13", 2, event_driven=True, env_config=config)
    assert lanes.agents == by_events.agents == env.possible_agents
    assert (lanes.num_envs, by_events.num_envs) == (2, 2)
    assert not isinstance(lanes, type(by_events))


def test_agents_with_the_same_devices_are_of_one_type() -> None:
    types = heron.make("ieee123_ieee13").agent_types
    assert len(types) == 6
    assert types["MG1"] == "ESS0+Generator0+Grid0+Transformer0"
