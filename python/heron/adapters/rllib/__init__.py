"""RLlib (new API stack): environments, fast sampling, a PPO configuration, trained policies.

Needs the extra ``multi_agent``: ``pip install "heron[multi_agent]"``.
"""

from __future__ import annotations

from heron.adapters.rllib.batched.env_runner import BatchedEnvRunner
from heron.adapters.rllib.central.actor_critic import ActorCritic
from heron.adapters.rllib.entry import make_environment, make_vector_environment
from heron.adapters.rllib.event_driven_env import EventDrivenMultiAgentEnv
from heron.adapters.rllib.learner.ppo_learner import ArrayPPOLearner
from heron.adapters.rllib.learner.safety_multiplier import Lagrangian
from heron.adapters.rllib.multi_agent_env import RLlibMultiAgentEnv
from heron.adapters.rllib.policy import TrainedPolicy
from heron.adapters.rllib.ppo import ippo_config, mappo_config, ppo_config
from heron.adapters.rllib.sharing import SHARED_POLICY, own_policy, shared_policy
from heron.adapters.rllib.sweep import sweep

__all__ = [
    "SHARED_POLICY",
    "ActorCritic",
    "ArrayPPOLearner",
    "BatchedEnvRunner",
    "EventDrivenMultiAgentEnv",
    "Lagrangian",
    "RLlibMultiAgentEnv",
    "TrainedPolicy",
    "ippo_config",
    "make_environment",
    "make_vector_environment",
    "mappo_config",
    "own_policy",
    "ppo_config",
    "shared_policy",
    "sweep",
]
