"""Gymnasium, for learners that know one agent only.

Importing this module registers every environment that `heron.make` knows with Gymnasium, under
``heron/``. Gymnasium imports it itself if it is named before a colon:

>>> import gymnasium
>>> envs = gymnasium.make_vec(
...     "heron.adapters.gymnasium:heron/MultiAgentMicrogrids-v0", num_envs=8,
...     env_config={"max_episode_steps": 24},
... )
>>> envs.single_action_space.shape == (envs.unwrapped.env.action_mask.size,)
True

`gymnasium.make` gives a single one. Both join all agents into one learner; `AgentVectorEnv` shows
each agent as an environment of its own.
"""

from __future__ import annotations

from heron.adapters.gymnasium.registration import register_environments
from heron.adapters.gymnasium.single import JointEnv
from heron.adapters.gymnasium.vector import AgentVectorEnv, JointVectorEnv

__all__ = ["AgentVectorEnv", "JointEnv", "JointVectorEnv", "register_environments"]

register_environments()
