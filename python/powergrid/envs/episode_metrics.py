"""Totals over an episode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["EpisodeMetrics"]


@dataclass
class EpisodeMetrics:
    """Cost, safety and reward by agent, summed since the last reset and of the last step.

    `trade` has, if agents trade with each other, the energy that they have traded [MWh] and the fee
    that they have paid [$] by then, each once for all agents.
    """

    agents: Sequence[str]
    n_step: int = 0
    cost: dict[str, float] = field(default_factory=dict)
    safety: dict[str, float] = field(default_factory=dict)
    reward: dict[str, float] = field(default_factory=dict)
    last: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    trade: dict[str, float] = field(default_factory=dict)
    last_trade: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for sums in (self.cost, self.safety, self.reward):
            sums.update(dict.fromkeys(self.agents, 0.0))

    def add(
        self,
        cost: Mapping[str, float],
        safety: Mapping[str, float],
        reward: Mapping[str, float],
        infos: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """Add a step."""
        self.n_step += 1
        for agent in self.agents:
            self.cost[agent] += cost[agent]
            self.safety[agent] += safety[agent]
            self.reward[agent] += reward[agent]
            self.last[agent] = (cost[agent], safety[agent], reward[agent])
        if "trade_fee" in infos[self.agents[0]]:
            told = [infos[agent] for agent in self.agents]
            self.last_trade = {
                "total_traded_mwh": sum(max(info["energy_traded_mwh"], 0.0) for info in told),
                "total_trade_fee": sum(info["trade_fee"] for info in told),
            }
            for name, value in self.last_trade.items():
                self.trade[name] = self.trade.get(name, 0.0) + value

    def collective(self, which: str = "episode") -> dict[str, float]:
        """Return the collective metrics.

        Returns
        -------
        dict
            ``total_cost`` [$] and ``total_safety`` over agents and steps, ``mean_reward`` per agent
            and step as paid out, ``cooperation_score`` = 1 / (1 + population variance over agents
            of -(cost + safety)). Where agents trade with each other, also ``total_traded_mwh`` and
            ``total_trade_fee`` [$].

        Raises
        ------
        ValueError
            If `which` is neither "episode" nor "step".
        """
        if which not in ("episode", "step"):
            raise ValueError(f"which is {which!r}, expected 'episode' or 'step'")
        if which == "step" and self.last:
            cost, safety, reward = (np.array(v) for v in zip(*self.last.values(), strict=True))
            n = len(self.agents)
        else:
            cost, safety, reward = (
                np.array([sums[agent] for agent in self.agents])
                for sums in (self.cost, self.safety, self.reward)
            )
            n = len(self.agents) * max(self.n_step, 1)
        return {
            "total_cost": float(cost.sum()),
            "total_safety": float(safety.sum()),
            "mean_reward": float(reward.sum() / n) if n else 0.0,
            "cooperation_score": float(1.0 / (1.0 + np.var(-(cost + safety)))) if n else 1.0,
            **(self.last_trade if which == "step" else self.trade),
        }
