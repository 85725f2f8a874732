"""A batch of one: the engine as a single environment uses it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from heron.core.feature_table import FeatureTable
from powergrid.agents.grid import Grid
from powergrid.agents.observation_layout import ObservationLayout

if TYPE_CHECKING:
    from powergrid.agents.power_grid_agent import PowerGridAgent
    from powergrid.engine.engine import Engine
    from powergrid.engine.rules import Rules
    from powergrid.envs.distribution_grid import DistributionGrid
    from powergrid.envs.episode_source import EpisodeSource
    from powergrid.powerflow.lane import FlowLane

__all__ = ["SingleLane"]


class SingleLane:
    """Lane 0 of an engine, with the agents' attributes kept up to date.

    The engine is made when it is first needed: its kernels take a moment to load. A pickle or copy
    carries the lane on.

    Parameters
    ----------
    agents, table, flow, distribution, source, layouts, rules
        See `Engine`; agents by name.
    """

    def __init__(
        self,
        agents: Mapping[str, PowerGridAgent],
        table: FeatureTable,
        flow: FlowLane,
        distribution: DistributionGrid,
        source: EpisodeSource,
        layouts: Sequence[ObservationLayout],
        rules: Rules,
    ) -> None:
        self._agents = dict(agents)
        self._table, self._flow, self._distribution = table, flow, distribution
        self._source, self._layouts, self._rules = source, list(layouts), rules
        self._engine: Engine | None = None
        self._saved: dict[str, Any] | None = None

    @property
    def engine(self) -> Engine:
        """The engine, of one lane."""
        if self._engine is None:
            self._engine = self._make()
        return self._engine

    def _make(self) -> Engine:
        from powergrid.engine.engine import Engine  # loads Numba

        agents = list(self._agents.values())
        if self._saved is None:
            for agent in agents:
                agent.reset()
        engine = Engine(
            agents, self._table, self._flow.flow, self._distribution, self._source, self._layouts,
            self._rules,
        )  # fmt: skip
        if self._saved is not None:
            engine.restore(self._saved)
            self._saved = None
        self._n_obs = [len(layout.slots) for layout in self._layouts]
        self._names = list(self._agents)
        self._meters = [
            next((d for d in agent.devices.values() if isinstance(d, Grid)), None)
            for agent in agents
        ]
        n = len(agents)
        self._cost_names: list[list[tuple[str, int]]] = [[] for _ in range(n)]
        for (number, name), row in engine.books.part_row.items():
            self._cost_names[number].append((name, row))
        for agent in agents:
            for device in agent.devices.values():
                device.dt = self._rules.dt_h
        return engine

    def begin_episode(self, day: int, noise_seed: int | None) -> bool:
        """Solve the first power flow with idle devices; return whether that converged."""
        engine = self.engine
        for agent in self._agents.values():
            agent.reset()
        n_solve = engine.start(0, 1, [day], [noise_seed])
        self._tell_meters()
        return self._flow.count_solves(n_solve)

    def run_interval(self, k: int, actions: Mapping[str, NDArray[np.float64]]) -> bool:
        """Live through an interval; return whether the power flow converged."""
        engine = self.engine
        for number, action in enumerate(actions.values()):
            engine.actions[0, number, : len(action)] = action
        n_solve = engine.run(0, 1)
        self._tell_agents(engine)
        return self._flow.count_solves(n_solve)

    def _tell_agents(self, engine: Engine) -> None:
        """Bring the agents' own attributes up to date with the books."""
        from powergrid.engine.books import SAFETY_PARTS  # loads Numba, as the engine has by now

        books = engine.books
        cost, safety = books.cost[:, 0].tolist(), books.safety[:, 0].tolist()
        bought, sold = books.bought[:, 0].tolist(), books.sold[:, 0].tolist()
        part, violation = books.part[:, 0].tolist(), books.violation[:, :, 0].T.tolist()
        for number, agent in enumerate(self._agents.values()):
            agent.cost, agent.safety = cost[number], safety[number]
            agent.energy_bought_mwh, agent.energy_sold_mwh = bought[number], sold[number]
            agent.cost_parts = {name: part[row] for name, row in self._cost_names[number]}
            agent.safety_parts = dict(zip(SAFETY_PARTS, violation[number], strict=True))
        hooked = engine.devices.hooked
        if hooked is not None:
            agents = list(self._agents.values())
            for number, name in hooked.cost_by_cause[0]:
                agents[number].cost_parts[name] = part[books.part_row[number, name]]

    def pay(self) -> tuple[dict[str, float], dict[str, float]]:
        """Return rewards, and the safety that counts, by agent."""
        engine = self.engine
        engine.books.pay(0, 1)
        rewards = dict(zip(self._names, engine.books.reward[0].tolist(), strict=True))
        return rewards, dict(zip(self._names, engine.books.counted[:, 0].tolist(), strict=True))

    def begin_interval(self, k: int) -> None:
        """Set prices, clock, forecasts and available power of interval `k`."""
        self.engine.begin_next(0, 1)
        self._tell_meters()

    def _tell_meters(self) -> None:
        """Tell the metering devices the price, which the engine reads from the table."""
        engine = self.engine
        slots = engine.interval.price_slot.tolist()
        for slot, meter in zip(slots, self._meters, strict=True):
            if meter is not None:
                meter.price = float(engine.scene.x[slot, 0])

    def observations(self) -> dict[str, NDArray[np.float32]]:
        """Return every agent's present observation, arrays of the caller's own."""
        seen = self.engine.observer.observations[0]
        return {
            name: seen[number, : self._n_obs[number]].copy()
            for number, name in enumerate(self._names)
        }

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        state["_engine"] = None
        if self._engine is not None:
            state["_saved"] = self._engine.kept()
        return state
