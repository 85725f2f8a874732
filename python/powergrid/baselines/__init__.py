"""Policies to compare a learned one with: do-nothing, random, rules, and optimisation."""

from __future__ import annotations

from powergrid.baselines.base import EpisodeRecord, IdlePolicy, Policy, RandomPolicy, rollout
from powergrid.baselines.batched import (
    AgentwisePolicy,
    BatchedIdlePolicy,
    BatchedPolicy,
    SchedulePolicy,
)
from powergrid.baselines.batched_rules import BatchedRuleBasedPolicy
from powergrid.baselines.bound import Bound, perfect_foresight_bound, present_episode_bound
from powergrid.baselines.by_agent import AgentPolicy, decide_by
from powergrid.baselines.rolling_horizon import RollingHorizonPolicy
from powergrid.baselines.rule_based import RuleBasedPolicy

__all__ = [
    "AgentPolicy",
    "AgentwisePolicy",
    "BatchedIdlePolicy",
    "BatchedPolicy",
    "BatchedRuleBasedPolicy",
    "Bound",
    "EpisodeRecord",
    "IdlePolicy",
    "Policy",
    "RandomPolicy",
    "RollingHorizonPolicy",
    "RuleBasedPolicy",
    "SchedulePolicy",
    "decide_by",
    "perfect_foresight_bound",
    "present_episode_bound",
    "rollout",
]
