"""Tanks with pumps: a world of a few lines in which all of the event-driven mode shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
from gymnasium.spaces import Box

from heron.agents import CoordinatorAgent, FieldAgent
from heron.core.feature import FeatureBlock
from heron.core.policies import Policy
from heron.envs import HeronEnvCore
from heron.protocols import Protocol, SetpointProtocol

STEP_S = 60.0
OUTFLOW = 0.25  # of every tank [m3/s]


@dataclass
class Water(FeatureBlock):
    visibility: ClassVar[list[str]] = ["owner", "upper_level"]
    level_m3: float = 10.0


class Tank(FieldAgent):
    """A tank whose pump has an action: its inflow [m3/s]."""

    def __init__(self, agent_id: str, **kwargs: Any) -> None:
        super().__init__(agent_id, **kwargs)
        self.state.add_feature("water", Water())

    def get_action_space(self) -> Box:
        return Box(0.0, 1.0, (1,), np.float64)

    def respond_to_price(self, price: float) -> np.ndarray:
        return np.array([0.5 if price < 50.0 else 0.1])


class KeepLevel(Policy):
    """Pump more, the lower the levels are; remembers what it saw."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def forward(self, observation: Any) -> np.ndarray:
        self.seen.append(observation)
        tanks = observation.local["subordinates"].values()
        levels = np.array([float(tank["water"][0]) for tank in tanks])
        return np.clip(0.25 + (12.0 - levels) / 7.0, 0.0, 1.0)


class Tanks(HeronEnvCore):
    """Tanks in groups; every step is 60 s."""

    def __init__(
        self,
        env_id: str = "default",
        n_step: int | None = None,
        protocol: Protocol | None = None,
        tank_timing: Mapping[str, Any] | None = None,
        **timing: Any,
    ) -> None:
        super().__init__(env_id=env_id)
        self.n_step = n_step
        for name in ("north", "south"):
            self.register_agent(
                CoordinatorAgent(
                    name,
                    policy=KeepLevel(),
                    protocol=protocol or SetpointProtocol(),
                    subordinates=[Tank(n, **(tank_timing or timing)) for n in ("a", "b")],
                    **timing,
                )
            )
        self.reset()

    def reset(self) -> None:
        for agent in self._registered_agents:
            agent.reset()
        self.start_s = 0.0
        self.k = 0
        self.inflow = {name: 0.0 for name, a in self.heron_agents.items() if isinstance(a, Tank)}
        self.pieces: dict[str, list[tuple[float, float]]] = {name: [] for name in self.inflow}
        self.effects: list[tuple[float, str, float]] = []
        self.pumped = dict.fromkeys(self.inflow, 0.0)

    # --- synchronous

    def step(self, actions: Mapping[str, Any]) -> None:
        for name, action in self.apply_actions(actions).items():
            self._on_action_effect(name, action, self.start_s)
        self._on_env_update(self.start_s + STEP_S)

    def step_by_policies(self) -> None:
        observations = self.get_observations()
        self.step({n: self.get_agent(n).policy.forward(o) for n, o in observations.items()})

    # --- by events

    def _event_driven_step_s(self) -> float | None:
        return STEP_S

    def _global_state(self) -> Mapping[str, Any]:
        return {"interval": float(self.k)}

    def _on_action_effect(self, agent_name: str, action: Any, time_s: float) -> None:
        value = getattr(action, "c", action)  # a policy of the tank's own answers in its own way
        rate = float(np.asarray(value)[0])
        self.effects.append((time_s, agent_name, rate))
        self.pieces[agent_name].append((time_s, rate))

    def _on_env_update(self, time_s: float) -> bool:
        for name, rate_before in self.inflow.items():
            starts = [(self.start_s, rate_before), *self.pieces[name]]
            ends = [*(since_s for since_s, _ in self.pieces[name]), time_s]
            spans = [(e - s, rate) for (s, rate), e in zip(starts, ends, strict=True) if e > s]
            # One piece is the whole interval, as in a step: the same arithmetic.
            spans = [(STEP_S, spans[0][1])] if len(spans) == 1 else spans
            volume = sum(duration_s * rate for duration_s, rate in spans)
            rate = starts[-1][1]
            self.inflow[name] = rate
            self.pumped[name] += volume
            tank = self.get_agent(name)
            tank.state.water.level_m3 += volume - OUTFLOW * STEP_S
            self.pieces[name].clear()
        self.start_s = time_s
        self.k += 1
        return self.k == self.n_step

    def levels(self) -> list[float]:
        return [self.get_agent(name).state.water.level_m3 for name in self.inflow]


@pytest.fixture(scope="session")
def tanks() -> type[Tanks]:
    return Tanks


@pytest.fixture(scope="session")
def tank() -> type[Tank]:
    return Tank
