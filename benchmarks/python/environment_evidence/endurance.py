"""A batch lived in for long: memory, energy, limits, numbers."""

from __future__ import annotations

import gc
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from environment_evidence.cases import config_of
from powergrid.agents.storage import ESS
from powergrid.envs.vector_grid_env import VectorGridEnv

__all__ = ["Endurance", "endure"]

N_PHASE = 8  # groups of lanes that end their episodes in different steps
SETTLED = 0.1  # of the steps, after which memory has to be flat


@dataclass
class Endurance:
    """What was found in a long run.

    Attributes
    ----------
    n_step : int
        Steps of environments; a step in which a lane starts anew is not one.
    rss_settled_mb, rss_end_mb, rss_most_mb : float
        Resident memory after a tenth of the steps, at the end, and at most in between.
    drift, drift_bound : float
        Largest difference between the energy in a battery and what it began with less what flowed,
        as a part of its capacity, over all batteries and steps; and what rounding explains.
    soc_excess : float
        How far a state of charge was outside its limits.
    flowed_mwh : float
        Energy that went into and out of batteries.
    n_at_limit : int
        Times that a battery stood at a limit of its state of charge.
    n_not_finite : int
        Features, rewards or observations that were not finite.
    n_failed : int
        Power flows without solution.
    """

    what: str
    n_lane: int
    episode_steps: int
    n_step: int = 0
    n_episode: int = 0
    n_battery: int = 0
    rss_settled_mb: float = 0.0
    rss_end_mb: float = 0.0
    rss_most_mb: float = 0.0
    drift: float = 0.0
    drift_bound: float = 0.0
    soc_excess: float = 0.0
    flowed_mwh: float = 0.0
    n_at_limit: int = 0
    n_not_finite: int = 0
    n_failed: int = 0

    @property
    def growth_mb(self) -> float:
        """What the memory has grown by after a tenth of the steps, at most [MB]."""
        return max(self.rss_most_mb, self.rss_end_mb) - self.rss_settled_mb

    @property
    def holds(self) -> bool:
        """Whether memory is flat, energy is kept, limits are respected and all is finite."""
        is_flat = self.growth_mb <= 1.0
        is_kept = self.drift <= self.drift_bound
        return is_flat and is_kept and self.soc_excess <= 0.0 and self.n_not_finite == 0


class Batteries:
    """The batteries of all lanes, and what flowed through each since its episode began."""

    def __init__(self, envs: VectorGridEnv) -> None:
        names = envs.state_names
        found = [
            (f"{agent.agent_id}/{name}", device)
            for agent in envs._env.agent_dict.values()
            for name, device in agent.devices.items()
            if isinstance(device, ESS)
        ]
        self._power = [names.index(f"{owner}.electrical.p_MW") for owner, _ in found]
        self._soc = [names.index(f"{owner}.storage.soc") for owner, _ in found]
        self._stored = [names.index(f"{owner}.storage.e_stored_MWh") for owner, _ in found]

        def column(name: str) -> NDArray[np.float64]:
            return np.array([[getattr(device.config, name)] for _, device in found])

        self.capacity, self.least, self.most = (
            column(name) for name in ("e_capacity_MWh", "soc_min", "soc_max")
        )
        self._charging, self._discharging = column("ch_eff"), column("dsc_eff")
        self._dt_h = envs.engine.scene.rules.dt_h
        shape = (len(found), envs.num_envs)
        # Sums of more digits than the engine's own, so that what is seen is its rounding.
        self._began, self._flowed = (np.zeros(shape, np.longdouble) for _ in range(2))
        self._n_step = np.zeros(envs.num_envs, np.int64)
        self.n = len(found)

    def begin(self, x: NDArray[np.float64], lanes: NDArray[np.intp]) -> None:
        """Note what is stored at the start of an episode."""
        self._began[:, lanes] = x[self._stored][:, lanes]
        self._flowed[:, lanes] = 0.0
        self._n_step[lanes] = 0

    def book(self, x: NDArray[np.float64], lanes: NDArray[np.intp], found: Endurance) -> None:
        """Hold what is stored against what flowed, after a step of some lanes."""
        p_mw = x[self._power][:, lanes].astype(np.longdouble)
        out = np.where(p_mw > 0.0, p_mw / self._discharging, p_mw * self._charging) * self._dt_h
        self._flowed[:, lanes] += out
        self._n_step[lanes] += 1
        soc, stored = x[self._soc][:, lanes], x[self._stored][:, lanes]
        far = np.abs(stored - (self._began - self._flowed)[:, lanes]) / self.capacity
        found.drift = max(found.drift, float(far.max(initial=0.0)))
        # A step rounds the state of charge, at most 1, and the energy that flows a few times.
        n = int(self._n_step[lanes].max(initial=0))
        found.drift_bound = max(found.drift_bound, 4.0 * float(np.finfo(np.float64).eps) * (n + 1))
        excess = np.maximum(self.least - soc, soc - self.most)
        found.soc_excess = max(found.soc_excess, float(excess.max(initial=0.0)))
        found.n_at_limit += int((excess >= 0.0).sum())
        found.flowed_mwh += float(np.abs(out).sum())


def endure(
    case: str, n_lane: int, n_step: int, episode_steps: int, n_thread: int = 1, **changes: Any
) -> Endurance:
    """Step a batch with random actions until its lanes have lived through `n_step` steps."""
    config = config_of(case, max_episode_steps=episode_steps, **changes)
    envs = VectorGridEnv(n_lane, config, n_thread=n_thread)
    found = Endurance(case, n_lane, episode_steps)
    batteries = Batteries(envs)
    found.n_battery = batteries.n
    rng = np.random.default_rng(n_lane)
    actions = np.zeros(envs.action_space.shape, np.float32)
    is_over = _scatter(envs, actions)
    batteries.begin(envs.state(), np.arange(n_lane))
    has_settled = False
    while found.n_step < n_step:
        actions[...] = rng.uniform(-1.2, 1.2, actions.shape)
        observations, rewards, terminations, truncations, infos = envs.step(actions)
        x = envs.state()
        started, lived = np.flatnonzero(is_over), np.flatnonzero(~is_over)
        batteries.begin(x, started)
        batteries.book(x, lived, found)
        for values in (observations, rewards, x):
            if not np.isfinite(values).all():
                found.n_not_finite += int((~np.isfinite(values)).sum())
        np.logical_or(terminations, truncations, out=is_over)
        found.n_step += len(lived)
        found.n_episode += int(is_over.sum())
        found.n_failed += int((~infos["converged"]).sum())
        if found.n_step >= SETTLED * n_step:
            if not has_settled:
                gc.collect()  # what is left from before is not growth
                found.rss_settled_mb, has_settled = resident_mb(), True
            found.rss_most_mb = max(found.rss_most_mb, resident_mb())
    found.rss_end_mb = resident_mb()
    envs.close()
    return found


def _scatter(envs: VectorGridEnv, actions: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Start all lanes, bring them out of phase, and return which of them are over."""
    envs.reset(seed=1)
    phase = np.arange(envs.num_envs) % N_PHASE
    is_over = np.zeros(envs.num_envs, np.bool_)
    for k in range(N_PHASE):
        envs.reset(options={"reset_mask": phase == k})
        _, _, terminations, truncations, _ = envs.step(actions)
        is_over = terminations | truncations
    return is_over


def resident_mb() -> float:
    """Return the resident memory of this process [MB]."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") * 1e-6
