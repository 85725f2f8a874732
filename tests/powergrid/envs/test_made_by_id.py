"""The environment that the installed package offers by id."""

from __future__ import annotations

import heron
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids


def test_the_microgrids_are_made_by_their_id() -> None:
    env = heron.make("MultiAgentMicrogrids-v0", env_config={"max_episode_steps": 3})
    assert type(env) is MultiAgentMicrogrids
    assert env.max_episode_steps == 3
    assert env.possible_agents == ["MG1", "MG2", "MG3"]
