"""RLlib (new API stack): environments, a ready-made PPO configuration and trained policies.

Needs the extra ``multi_agent``: ``pip install "heron[multi_agent]"``.
"""

from __future__ import annotations

from heron.adapters.rllib.entry import make_environment
from heron.adapters.rllib.event_driven_env import EventDrivenMultiAgentEnv
from heron.adapters.rllib.multi_agent_env import RLlibMultiAgentEnv
from heron.adapters.rllib.policy import TrainedPolicy
from heron.adapters.rllib.ppo import SHARED_POLICY, own_policy, ppo_config, shared_policy

__all__ = [
    "SHARED_POLICY",
    "EventDrivenMultiAgentEnv",
    "RLlibMultiAgentEnv",
    "TrainedPolicy",
    "make_environment",
    "own_policy",
    "ppo_config",
    "shared_policy",
]
