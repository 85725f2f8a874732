"""What a trained policy is worth beside the simple ones, on the same days."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from heron.adapters.rllib import TrainedPolicy
from powergrid.baselines import EpisodeRecord, RollingHorizonPolicy, RuleBasedPolicy, rollout
from powergrid.baselines.comparison import Estimate, bootstrap_mean, compare
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.setups.loader import load_setup

__all__ = [
    "CAUSAL", "RULES", "Peers", "Verdict", "days_between", "judge", "play", "verdict_content",
]  # fmt: skip

RULES, CAUSAL = "rule-based", "rolling-horizon"


def days_between(days: Sequence[int]) -> list[int]:
    """Return as many days, each in the middle between one of these and the one before."""
    before = [-days[0], *days[:-1]]
    return [(first + second + 1) // 2 for first, second in zip(before, days, strict=True)]


@dataclass(frozen=True)
class Peers:
    """The simple policies' episodes, and the bound's.

    Attributes
    ----------
    days : list[int]
    returns, safety : dict of ndarray
        By policy, (n_day,).
    bound : ndarray
        Return of perfect foresight, (n_day,).
    """

    days: list[int]
    returns: dict[str, np.ndarray]
    safety: dict[str, np.ndarray]
    bound: np.ndarray

    @classmethod
    def read(cls, path: Path, config_sha256: str) -> Peers:
        """Read what ``make table`` wrote; an error if it is of another configuration."""
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["config_sha256"] != config_sha256:
            raise SystemExit(f"{path} is of another configuration of the setup: run make table")
        episodes = content["episodes"]
        return cls(
            days=content["days"],
            returns={p: np.array([e["episode_return"] for e in es]) for p, es in episodes.items()},
            safety={p: np.array([e["safety"] for e in es]) for p, es in episodes.items()},
            bound=np.array([b["episode_return"] for b in content["bound"]]),
        )

    @classmethod
    def measured(cls, setup: str, days: Sequence[int]) -> Peers:
        """Play the rules and the causal benchmark on other days of the test split."""
        env = MultiAgentMicrogrids({**load_setup(setup), "train": False})
        found = compare(env, [RuleBasedPolicy(), RollingHorizonPolicy()], days)
        return cls(
            days=found.days,
            returns={name: found.returns(name) for name in found.records},
            safety={p: np.array([e.safety for e in es]) for p, es in found.records.items()},
            bound=np.array([bound.episode_return for bound in found.bounds]),
        )

    def content(self) -> dict[str, Any]:
        """Return the episodes as they are written down."""
        return {
            "days": self.days,
            "episode_return": {name: values.tolist() for name, values in self.returns.items()},
            "safety": {name: values.tolist() for name, values in self.safety.items()},
            "bound": self.bound.tolist(),
        }


@dataclass(frozen=True)
class Verdict:
    """What one trained policy came to.

    Attributes
    ----------
    mean_return : Estimate
        With its 95 % bootstrap interval.
    advantage : Estimate
        Over the rule-based policy, paired by day.
    safety, safety_of_rules : float
        Violations, summed over all days.
    n_violated_step : int
        Steps with a broken limit.
    gap_closed : float
        Share of the gap from the rule-based policy to the causal benchmark.
    gap_to_bound_closed : float
        The same to perfect foresight.
    """

    mean_return: Estimate
    advantage: Estimate
    safety: float
    safety_of_rules: float
    n_violated_step: int
    gap_closed: float
    gap_to_bound_closed: float

    @property
    def is_better(self) -> bool:
        """Whether it earns more than the rules for certain, and breaks no more."""
        return self.advantage.low > 0.0 and self.safety <= self.safety_of_rules

    @property
    def is_good(self) -> bool:
        """Whether it is better and has closed half of the gap to the causal benchmark."""
        return self.is_better and self.gap_closed >= 0.5


def play(setup: str, checkpoint: Path, days: Sequence[int]) -> list[EpisodeRecord]:
    """Play the days of the test split as ``make table`` does, without Ray."""
    policy = TrainedPolicy.from_checkpoint(checkpoint)
    config: dict[str, Any] = {**load_setup(setup), "train": False, "normalize_obs": True}
    env = MultiAgentMicrogrids(config)
    return [rollout(env, policy, seed=day, day=day) for day in days]


def judge(records: Sequence[EpisodeRecord], peers: Peers) -> Verdict:
    """Compare episodes with the simple policies' on the same days."""
    returns = np.array([record.episode_return for record in records])
    gain = returns - peers.returns[RULES]
    return Verdict(
        mean_return=bootstrap_mean(returns.tolist()),
        advantage=bootstrap_mean(gain.tolist()),
        safety=float(sum(record.safety for record in records)),
        safety_of_rules=float(peers.safety[RULES].sum()),
        n_violated_step=sum(record.n_violated_step for record in records),
        gap_closed=float(gain.mean() / (peers.returns[CAUSAL] - peers.returns[RULES]).mean()),
        gap_to_bound_closed=float(gain.mean() / (peers.bound - peers.returns[RULES]).mean()),
    )


def verdict_content(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as it is written down."""
    return {**asdict(verdict), "is_better": verdict.is_better, "is_good": verdict.is_good}
