"""The engine beside its reference, agents in plain Python on pandapower's power flow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from environment_evidence.cases import config_of
from environment_evidence.extreme_actions import STYLES, extreme_actions
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids

__all__ = ["WITHIN", "Pair", "Parity", "ulps"]

WITHIN = 1e-7  # features and rewards, absolutely below 1 and relatively above
ULPS = 2  # observations


@dataclass
class Parity:
    """How far the engine has been from the reference, at most.

    Attributes
    ----------
    table, reward : float
        As multiples of what is allowed, `WITHIN`.
    ulp : float
        Of observations, in units of the last place, of 1 where they are smaller: what two solvers
        leave of a mismatch does not shrink with a flow that happens to be nearly zero.
    n_own_ulp, n_seen : int
        Observed numbers that are more than two units of their own last place apart, and all.
    n_tap : int
        Tap positions that differ.
    other : list of str
        Whatever else was not the same: ends, agents, keys and flags of infos.
    n_moved : int
        Tap positions that changed from one step to the next, on the engine.
    """

    n_episode: int = 0
    n_step: int = 0
    n_failed: int = 0
    n_moved: int = 0
    table: float = 0.0
    reward: float = 0.0
    ulp: float = 0.0
    n_own_ulp: int = 0
    n_seen: int = 0
    n_tap: int = 0
    other: list[str] = field(default_factory=list)
    worst: dict[str, str] = field(default_factory=dict)  # where the largest differences were

    @property
    def holds(self) -> bool:
        """Whether everything was as near as it has to be."""
        is_near = self.table <= 1.0 and self.reward <= 1.0 and self.ulp <= ULPS
        return is_near and self.n_tap == 0 and not self.other


def ulps(a: NDArray[np.float32], b: NDArray[np.float32], least: float = 0.0) -> NDArray[np.float32]:
    """Return how many units of b's last place a is away, of `least`'s where b is smaller."""
    unit = np.spacing(np.maximum(np.abs(b), np.float32(least)))
    return np.abs(a - b) / unit


class Pair:
    """The same environment on the engine and on the reference.

    Parameters
    ----------
    case, variant
        See `cases`.
    """

    def __init__(self, case: str, variant: int = 0, **changes: Any) -> None:
        config = config_of(case, variant, **changes)
        self.case = case
        self.native = MultiAgentMicrogrids(config)
        self.reference = MultiAgentMicrogrids(
            {**config, "backend": "reference", "power_flow": "pandapower"}
        )

    def play(self, seed: int, found: Parity) -> None:
        """Play an episode with both."""
        rng = np.random.default_rng(seed)
        envs = (self.native, self.reference)
        names = self.native.possible_agents
        shape = (len(names), *self.native.action_space(names[0]).shape)
        actions = extreme_actions(shape, rng, STYLES[seed % len(STYLES)])
        ours, theirs = (env.reset(seed=seed) for env in envs)
        self._compare(seed, 0, ours[0], theirs[0], found)
        taps = self.native.power_flow.tap_pos.copy()
        while self.native.agents:
            action = dict(zip(names, next(actions), strict=True))
            ours, theirs = (env.step(action) for env in envs)
            found.n_step += 1
            found.n_failed += not ours[4][names[0]]["converged"]
            now = self.native.power_flow.tap_pos.copy()
            found.n_moved += int((np.nan_to_num(now) != np.nan_to_num(taps)).sum())
            taps = now
            self._compare(seed, found.n_step, ours[0], theirs[0], found)
            self._compare_pay(seed, ours, theirs, found)
        found.n_episode += 1

    def _compare(self, seed: int, step: int, ours: Any, theirs: Any, found: Parity) -> None:
        native, reference = self.native, self.reference
        here = f"{self.case}, episode {seed}, step {step}"
        a, b = native.table.values[:, 0], reference.table.values[:, 0]
        far = np.abs(a - b) / (WITHIN * np.maximum(np.abs(b), 1.0))
        k = int(np.argmax(far))
        if not far[k] <= found.table:
            found.table = float(far[k])
            found.worst["table"] = f"{here}: {native.state_names[k]} is {a[k]!r} for {b[k]!r}"
        for name, observation in theirs.items():
            apart = ulps(ours[name], observation, least=1.0)
            k = int(np.argmax(apart))
            if not apart[k] <= found.ulp:
                found.ulp = float(apart[k])
                entry = native.observation_names(name)[k]
                found.worst["observation"] = (
                    f"{here}: {name}'s {entry} is {ours[name][k]!r} for {observation[k]!r}"
                )
            found.n_own_ulp += int((ulps(ours[name], observation) > ULPS).sum())
            found.n_seen += len(observation)
        taps = (env.power_flow.tap_pos for env in (native, reference))
        n_tap = int((~np.isclose(*taps, rtol=0.0, atol=0.0, equal_nan=True)).sum())
        if n_tap:
            found.worst.setdefault("tap", here)
        found.n_tap += n_tap
        if native.agents != reference.agents:
            found.other.append(f"{here}: agents are {native.agents} for {reference.agents}")

    def _compare_pay(self, seed: int, ours: Any, theirs: Any, found: Parity) -> None:
        here = f"{self.case}, episode {seed}"
        if ours[2:4] != theirs[2:4]:
            found.other.append(f"{here}: ends {ours[2:4]} for {theirs[2:4]}")
        for name, reward in theirs[1].items():
            pairs = {"reward": (ours[1][name], reward)}
            if ours[4][name].keys() != theirs[4][name].keys():
                found.other.append(f"{here}: infos {ours[4][name]} for {theirs[4][name]}")
                continue
            pairs |= {key: (ours[4][name][key], value) for key, value in theirs[4][name].items()}
            for key, (a, b) in pairs.items():
                far = abs(a - b) / (WITHIN * max(abs(b), 1.0))
                if not far <= found.reward:
                    found.reward = float(far)
                    found.worst["reward"] = f"{here}: {name}'s {key} is {a!r} for {b!r}"
