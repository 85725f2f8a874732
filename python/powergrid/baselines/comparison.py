"""Policies over the same episodes: means, bootstrap intervals and what follows from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from powergrid.baselines.base import EpisodeRecord, Policy, rollout
from powergrid.baselines.bound import Bound, perfect_foresight_bound
from powergrid.envs.networked_grid_env import NetworkedGridEnv

__all__ = ["Claim", "Comparison", "Estimate", "bootstrap_mean", "compare", "spread_days"]

MARGIN = 0.05  # of |return of doing nothing|: a smaller advantage is not worth learning
RANDOM_VIOLATED_SHARE = 0.1  # of its steps in which random play must break a limit


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Claim:
    """A statement about a comparison, and whether it holds."""

    text: str
    holds: bool


def bootstrap_mean(values: Sequence[float], *, n_resample: int = 10_000, seed: int = 0) -> Estimate:
    """Return the mean and its 95 % percentile bootstrap interval.

    For a paired comparison give the differences, episode by episode.
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or sample.size == 0:
        raise ValueError(f"values have shape {sample.shape}, expected (n,) with n >= 1")
    draws = np.random.default_rng(seed).integers(sample.size, size=(n_resample, sample.size))
    low, high = np.quantile(sample[draws].mean(axis=1), (0.025, 0.975))
    return Estimate(float(sample.mean()), float(low), float(high))


def spread_days(n_day: int, n: int) -> list[int]:
    """Return `n` days spread evenly over `n_day`: the middle of each of `n` equal parts."""
    if not 1 <= n <= n_day:
        raise ValueError(f"n is {n}, expected 1..{n_day}")
    return [int((i + 0.5) * n_day / n) for i in range(n)]


@dataclass(frozen=True)
class Comparison:
    """Records of several policies, and the bound, over the same episodes.

    Attributes
    ----------
    days : list[int]
        Day of each episode.
    records : dict of list of EpisodeRecord
        By policy name, in the order of `days`.
    bounds : list of Bound
        In the same order.
    """

    days: list[int]
    records: dict[str, list[EpisodeRecord]]
    bounds: list[Bound]

    def returns(self, policy: str) -> np.ndarray:
        """Return the policy's returns, (n_episode,)."""
        return np.array([record.episode_return for record in self.records[policy]])

    def advantage(self, better: str, worse: str) -> Estimate:
        """Estimate by how much one policy's return exceeds another's, paired by episode."""
        return bootstrap_mean(self.returns(better) - self.returns(worse))

    def beats(self, better: str, worse: str, idle: str) -> Claim:
        """Claim a paired advantage whose interval excludes 0 and whose mean is worth having."""
        gain = self.advantage(better, worse)
        scale = abs(float(self.returns(idle).mean()))
        return Claim(
            f"{better} beats {worse} by {gain.mean:.1f} [{gain.low:.1f}, {gain.high:.1f}] "
            f"= {gain.mean / scale:.1%} of |{idle}| (at least {MARGIN:.0%}, interval above 0)",
            gain.low > 0.0 and gain.mean >= MARGIN * scale,
        )

    def is_bounded(self) -> Claim:
        """Claim that the bound lies above every policy in every episode."""
        bound = np.array([bound.episode_return for bound in self.bounds])
        gaps = {name: bound - self.returns(name) for name in self.records}
        closest = min(gaps, key=lambda name: float(gaps[name].min()))
        return Claim(
            f"the bound is above every policy in every episode; {closest} comes closest, within "
            f"{gaps[closest].min():.2f}",
            bool(gaps[closest].min() >= 0.0),
        )

    def violated_share(self, policy: str) -> float:
        """Return the share of the policy's steps in which a limit was broken."""
        records = self.records[policy]
        return sum(r.n_violated_step for r in records) / sum(r.n_step for r in records)

    def claims(self, idle: str, random: str, rule_based: str, causal: str) -> list[Claim]:
        """Return what a setup worth learning on must show, given the names of the four policies."""
        failed = [name for name, rs in self.records.items() if not all(r.has_converged for r in rs)]
        return [
            self.beats(rule_based, idle, idle),
            self.beats(rule_based, random, idle),
            self.beats(causal, rule_based, idle),
            self.is_bounded(),
            Claim(
                f"{random} breaks a limit in {self.violated_share(random):.1%} of its steps "
                f"(at least {RANDOM_VIOLATED_SHARE:.0%})",
                self.violated_share(random) >= RANDOM_VIOLATED_SHARE,
            ),
            Claim(
                f"{idle} breaks a limit in {self.violated_share(idle):.1%} of its steps (in none)",
                self.violated_share(idle) == 0.0,
            ),
            Claim(f"every power flow converges{_except(failed)}", not failed),
        ]


def _except(names: Sequence[str]) -> str:
    return f", except with {', '.join(names)}" if names else ""


def compare(
    env: NetworkedGridEnv,
    policies: Sequence[Policy],
    days: Sequence[int],
    *,
    on_episode: Callable[[str, int], None] | None = None,
) -> Comparison:
    """Play every policy through the same episodes, and bound each.

    Parameters
    ----------
    days : sequence of int
        Day of the split on which each episode begins; it is its seed too.
    on_episode : callable, optional
        Told the policy's name and the day after each episode.
    """
    records: Mapping[str, list[EpisodeRecord]] = {policy.name: [] for policy in policies}
    for policy in policies:
        for day in days:
            records[policy.name].append(rollout(env, policy, seed=day, day=day))
            if on_episode is not None:
                on_episode(policy.name, day)
    bounds = [perfect_foresight_bound(env, day, seed=day) for day in days]
    return Comparison(list(days), dict(records), bounds)
