"""What was lived through: episodes of many lanes, interval by interval, decision by decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powergrid.baselines.base import SAFETY_TOLERANCE
from powergrid.envs.event_driven_vector_env import EventDrivenVectorEnv

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Evaluation", "Recorder"]

Array = NDArray[np.float64]
VIOLATION, COST = "safety_", "cost_"  # what infos call their parts


@dataclass(frozen=True)
class Evaluation:
    """Episodes of one policy under one timing; arrays are (n_episode,), sums are over agents.

    Attributes
    ----------
    policy : str
        Its name.
    seeds : ndarray of int
        Of each episode.
    days : ndarray of int
        Of the split, on which each began.
    episode_return : ndarray
        Rewards, summed.
    agent_return : ndarray, (n_episode, n_agent)
        The same by agent.
    cost : ndarray
        Operating cost [$].
    cost_by_cause, violation_by_kind : dict of ndarray
        Their parts, such as "fuel", and "voltage" or "loading".
    safety : ndarray
        Violations, summed.
    n_interval, n_violated : ndarray of int
        Intervals lived through, and those in which some limit was broken.
    n_unsolved : ndarray of int
        Intervals whose power flow did not converge.
    energy_bought_mwh, energy_sold_mwh : ndarray
        Through the agents' meters [MWh].
    n_decision : ndarray of int
        Decisions of all agents.
    n_blind : ndarray of int
        Those for which nothing was known yet.
    age_mean_s, age_95_s : ndarray
        Age of what was known at the other decisions [s]: mean and 95 % quantile; NaN if there are
        none.
    latency_mean_s, latency_max_s : ndarray
        From a decision to its effect in a device [s], of commands that took effect; the mean is NaN
        if there are none.
    messages : dict of ndarray of int
        What became of commands, see `heron.scheduling.ControlLoop.counters`: "sent", "delivered",
        "lost", "outage", "duplicated", "superseded", "applied", ...
    """

    policy: str
    seeds: NDArray[np.int64]
    days: NDArray[np.int64]
    episode_return: Array
    agent_return: Array
    cost: Array
    cost_by_cause: dict[str, Array]
    safety: Array
    violation_by_kind: dict[str, Array]
    n_interval: NDArray[np.int64]
    n_violated: NDArray[np.int64]
    n_unsolved: NDArray[np.int64]
    energy_bought_mwh: Array
    energy_sold_mwh: Array
    n_decision: NDArray[np.int64]
    n_blind: NDArray[np.int64]
    age_mean_s: Array
    age_95_s: Array
    latency_mean_s: Array
    latency_max_s: Array
    messages: dict[str, NDArray[np.int64]]

    @property
    def lost_share(self) -> Array:
        """Share of the commands sent that were lost, 0..1."""
        gone = self.messages["lost"] + self.messages["outage"]
        return gone / np.maximum(self.messages["sent"], 1)

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame with a row for each episode."""
        import pandas as pd

        columns: dict[str, Any] = {"seed": self.seeds, "day": self.days}
        for name in SCALARS:
            columns[name] = getattr(self, name)
        parts: dict[str, Mapping[str, NDArray[Any]]] = {
            "cost": self.cost_by_cause,
            "safety": self.violation_by_kind,
            "messages": self.messages,
        }
        for prefix, of in parts.items():
            columns |= {f"{prefix}_{name}": values for name, values in of.items()}
        return pd.DataFrame(columns)


SCALARS = (
    "episode_return", "cost", "safety", "n_interval", "n_violated", "n_unsolved",
    "energy_bought_mwh", "energy_sold_mwh", "n_decision", "n_blind", "age_mean_s", "age_95_s",
    "latency_mean_s", "latency_max_s",
)  # fmt: skip


class Recorder:
    """Books the first episode of each lane; what comes after it does not count.

    Parameters
    ----------
    envs : EventDrivenVectorEnv
        Just reset. The recorder is its `on_interval` from now on.

    Attributes
    ----------
    going : ndarray of bool, (n_lane,)
        Whose episode is not over.
    """

    def __init__(self, envs: EventDrivenVectorEnv) -> None:
        self._envs, n = envs, envs.num_envs
        self.going = np.ones(n, np.bool_)
        self._agent_return = np.zeros((n, len(envs.agents)))
        self._sums: dict[str, Array] = {}
        self._n_interval, self._n_violated, self._n_unsolved = np.zeros((3, n), np.int64)
        self._decisions: list[tuple[NDArray[np.intp], Array]] = []  # lane, age_s
        self._messages: dict[str, NDArray[Any]] = {
            name: np.zeros_like(values) for name, values in envs.message_counters().items()
        }
        envs.on_interval = self._book_interval

    def book_decisions(self, infos: Mapping[str, Any]) -> None:
        """Take down how old what is known to those who act is."""
        lane, agent = np.nonzero(infos["acting"] & self.going[:, np.newaxis])
        self._decisions.append((lane, infos["age_s"][lane, agent]))

    def _book_interval(
        self,
        rewards: Array,
        terminations: NDArray[np.bool_],
        truncations: NDArray[np.bool_],
        infos: dict[str, Any],
    ) -> None:
        going = self.going
        self._agent_return[going] += rewards[going]
        self._n_interval += going
        for name, values in infos.items():
            is_part = name.startswith((VIOLATION, COST))
            if is_part or name in ("cost", "safety", "energy_bought_mwh", "energy_sold_mwh"):
                total = self._sums.setdefault(name, np.zeros(len(going)))
                total[going] += values[going].sum(axis=1)
        self._n_violated += going & (infos["safety"].sum(axis=1) > SAFETY_TOLERANCE)
        self._n_unsolved += going & ~infos["converged"]
        ends = going & (terminations | truncations)
        if ends.any():
            for name, values in self._envs.message_counters().items():
                self._messages[name][ends] = values[ends]
            self.going = going & ~ends

    def evaluation(self, policy: str, seeds: list[int], days: list[int]) -> Evaluation:
        """Return the episodes, and leave the environment alone."""
        self._envs.on_interval = None
        sums, counts = self._sums, dict(self._messages)
        latency_sum, latency_max = counts.pop("latency_sum_s"), counts.pop("latency_max_s")
        applied = counts["applied"].astype(np.float64)
        n_decision, n_blind, age_mean, age_95 = self._ages()
        causes = [name.removeprefix(COST) for name in sums if name.startswith(COST)]
        kinds = [name.removeprefix(VIOLATION) for name in sums if name.startswith(VIOLATION)]
        return Evaluation(
            policy=policy,
            seeds=np.array(seeds, np.int64),
            days=np.array(days, np.int64),
            episode_return=self._agent_return.sum(axis=1),
            agent_return=self._agent_return,
            cost=sums["cost"],
            cost_by_cause={cause: sums[f"{COST}{cause}"] for cause in causes},
            safety=sums["safety"],
            violation_by_kind={kind: sums[f"{VIOLATION}{kind}"] for kind in kinds},
            n_interval=self._n_interval,
            n_violated=self._n_violated,
            n_unsolved=self._n_unsolved,
            energy_bought_mwh=sums["energy_bought_mwh"],
            energy_sold_mwh=sums["energy_sold_mwh"],
            n_decision=n_decision,
            n_blind=n_blind,
            age_mean_s=age_mean,
            age_95_s=age_95,
            latency_mean_s=np.where(applied > 0, latency_sum / np.maximum(applied, 1.0), np.nan),
            latency_max_s=latency_max,
            messages={name: values.astype(np.int64) for name, values in counts.items()},
        )

    def _ages(self) -> tuple[NDArray[np.int64], NDArray[np.int64], Array, Array]:
        """Return decisions, those without knowledge, and mean and 95 % of the others' ages [s]."""
        n = len(self.going)
        lane = np.concatenate([lane for lane, _ in self._decisions])
        age_s = np.concatenate([age_s for _, age_s in self._decisions])
        order = np.argsort(lane, kind="stable")
        age_of = np.split(age_s[order], np.cumsum(np.bincount(lane, minlength=n))[:-1])
        known = [ages[np.isfinite(ages)] for ages in age_of]
        n_decision = np.array([len(ages) for ages in age_of], np.int64)
        n_known = np.array([len(ages) for ages in known], np.int64)
        mean = np.array([ages.mean() if len(ages) else np.nan for ages in known])
        most = np.array([np.quantile(ages, 0.95) if len(ages) else np.nan for ages in known])
        return n_decision, n_decision - n_known, mean, most
