"""A batch of one: the engine as a single environment uses it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from heron.core.feature_table import FeatureTable
from powergrid.agents.device_pieces import Command
from powergrid.agents.observation_layout import ObservationLayout
from powergrid.engine.effects import Effects

if TYPE_CHECKING:
    from powergrid.agents.power_grid_agent import PowerGridAgent
    from powergrid.disturbances.condition_watch import ConditionWatch
    from powergrid.disturbances.conditions import Condition
    from powergrid.disturbances.schedule import DisturbanceSchedule
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
    agents, table, flow, distribution, source, layouts, rules, schedule, conditions
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
        schedule: DisturbanceSchedule | None = None,
        conditions: Sequence[Condition] = (),
    ) -> None:
        self._agents = dict(agents)
        self._table, self._flow, self._distribution = table, flow, distribution
        self._source, self._layouts, self._rules = source, list(layouts), rules
        self._schedule, self._conditions = schedule, list(conditions)
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
        from powergrid.kernels.check import first_not_finite

        self._first_not_finite = first_not_finite

        agents = list(self._agents.values())
        if self._saved is None:
            for agent in agents:
                agent.reset()
        engine = Engine(
            agents, self._table, self._flow.flow, self._distribution, self._source, self._layouts,
            self._rules, schedule=self._schedule, conditions=self._conditions,
        )  # fmt: skip
        if self._saved is not None:
            engine.restore(self._saved)
            self._saved = None
        self._wire(engine)
        return engine

    def _wire(self, engine: Engine) -> None:
        """Say where in the books each agent's entries are, and that the engine keeps them."""
        from powergrid.engine.books import SAFETY_PARTS  # loads Numba, as the engine has by now

        self._names = list(self._agents)
        self._n_obs = [len(layout.slots) for layout in self._layouts]
        self._n_action = [agent.action_layout.size for agent in self._agents.values()]
        n = len(self._names)
        cost, safety, counted, bought, sold, violation = (k * n for k in range(6))
        market = {} if engine.market is None else engine.market.entries()
        n_booked = len(engine.books.ledger)
        n_entry = n_booked + len(market) * n
        self._cost_rows: list[dict[str, int]] = [{} for _ in range(n)]
        for (number, name), row in engine.books.part_row.items():
            self._cost_rows[number][name] = row
        self._safety_rows = [
            {name: violation + k * n + number for k, name in enumerate(SAFETY_PARTS)}
            for number in range(n)
        ]
        # What infos show of an agent: entries of books and market, then of the parts of the cost.
        self._info_keys, self._info_of = [], []
        for number in range(n):
            entries = {
                "cost": cost + number,
                "safety": counted + number,
                **{f"cost_{x}": n_entry + k for x, k in self._cost_rows[number].items()},
                **{f"safety_{x}": k for x, k in self._safety_rows[number].items()},
                "energy_bought_mwh": bought + number,
                "energy_sold_mwh": sold + number,
                **{name: n_booked + k * n + number for k, name in enumerate(market)},
            }
            self._info_keys.append((*entries, "converged"))
            self._info_of.append(itemgetter(*entries.values()))
        self._rows_of = {
            "cost": cost, "safety": safety, "energy_bought_mwh": bought, "energy_sold_mwh": sold
        }  # fmt: skip
        self._devices = engine.devices.in_order
        for number, agent in enumerate(self._agents.values()):
            agent.__dict__["told_by"] = (self, number)
            for device in agent.devices.values():
                device.dt = self._rules.dt_h
        for number, member in enumerate(self._devices):
            if member.kernels is not None:
                member.device.__dict__["told_by"] = (self, n + number)

    def tell(self, number: int, name: str) -> Any:
        """Return what the books say of an agent, or from the number of agents on, of a device."""
        engine, n = self.engine, len(self._names)
        if number >= n:
            return self._tell_of_device(engine, number - n, name)
        ledger = engine.books.ledger[:, 0]
        if name in self._rows_of:
            return float(ledger[self._rows_of[name] + number])
        if name == "safety_parts":
            return {x: float(ledger[row]) for x, row in self._safety_rows[number].items()}
        part = engine.books.part[:, 0]
        parts = {x: float(part[row]) for x, row in self._cost_rows[number].items()}
        return parts | self._hooked_parts(engine, number)

    def _tell_of_device(self, engine: Engine, number: int, name: str) -> Any:
        devices, member = engine.devices, self._devices[number]
        if name == "safety":
            return float(devices.safety[number, 0])
        if name == "price":
            return float(engine.scene.x[engine.interval.price_slot[member.agent], 0])
        assert member.kernels is not None
        parts = {
            x: float(devices.rate[devices.rate_row[member.owner, x], 0])
            for x in member.kernels.cost_parts
        }
        return parts if name == "cost_parts" else sum(parts.values())

    def _hooked_parts(self, engine: Engine, number: int) -> dict[str, float]:
        """Return an agent's costs that devices with Python hooks have named in the last step."""
        hooked, books = engine.devices.hooked, engine.books
        if hooked is None:
            return {}
        return {
            name: float(books.part[books.part_row[agent, name], 0])
            for agent, name in hooked.cost_by_cause[0]
            if agent == number
        }

    # --- what the environment asks for ---------------------------------------------------------

    def take(self, actions: Mapping[str, Any]) -> bool:
        """Take over flat actions if nothing is wrong with them; False leaves it to others to say.

        What is quickly seen to be right needs no further look: a dict with an array of floats of
        the right shape for each agent, all finite.
        """
        flat = self.engine.actions[0]
        if type(actions) is not dict or len(actions) != len(self._names):
            return False
        for number, name in enumerate(self._names):
            action, n = actions.get(name), self._n_action[number]
            if type(action) is not np.ndarray or action.shape != (n,) or action.dtype.kind != "f":
                return False
            flat[number, :n] = action
        return self._first_not_finite(flat.reshape(-1)) < 0

    def begin_episode(
        self, day: int, noise_seed: int | None, disturbance_seed: int | None = None
    ) -> bool:
        """Solve the first power flow with idle devices; return whether that converged."""
        engine = self.engine
        for agent in self._agents.values():
            agent.reset()
        n_solve = engine.start(0, 1, [day], [noise_seed], disturbance_seeds=[disturbance_seed])
        return self._flow.count_solves(n_solve)

    def run_interval(
        self, k: int = 0, actions: Mapping[str, NDArray[np.float64]] | None = None
    ) -> bool:
        """Live through an interval; return whether the power flow converged.

        Without `actions` those count that `take` has taken.
        """
        engine = self.engine
        if actions is not None:
            for number, action in enumerate(actions.values()):
                engine.actions[0, number, : len(action)] = action
        return self._flow.count_solves(engine.run(0, 1))

    def run_pieces(self, k: int, commands: Sequence[Command]) -> bool:
        """Live through an interval by commands, in order of time; return whether it converged."""
        engine = self.engine
        number = {m.owner: i for i, m in enumerate(engine.scene.members)}
        width = max((len(c.action) for c in commands), default=0)
        values = np.zeros((len(commands), max(width, engine.pieces.n_action)))
        for row, command in zip(values, commands, strict=True):
            row[: len(command.action)] = command.action
        effects = Effects(
            np.zeros(len(commands), np.int32),
            np.array([number[c.device] for c in commands], np.int32),
            np.array([c.time_s for c in commands], np.float64),
            values,
        )
        return self._flow.count_solves(engine.run_pieces(0, 1, effects))

    def settle(self) -> tuple[dict[str, float], dict[str, dict[str, Any]]]:
        """Pay by the rules; return rewards and infos of an interval that converged."""
        engine = self.engine
        books = engine.books
        engine.pay(0, 1)
        rewards = dict(zip(self._names, books.reward[0].tolist(), strict=True))
        entries = books.ledger[:, 0].tolist()
        if engine.market is not None:
            entries += engine.market.ledger[:, 0].tolist()
        entries += books.part[:, 0].tolist()
        infos = {
            name: dict(zip(keys, (*of(entries), True), strict=True))
            for name, keys, of in zip(self._names, self._info_keys, self._info_of, strict=True)
        }
        if engine.devices.hooked is not None:
            for number, info in enumerate(infos.values()):
                parts = self._hooked_parts(engine, number)
                info.update({f"cost_{name}": value for name, value in parts.items()})
        return rewards, infos

    @property
    def disturbance_counts(self) -> dict[str, int]:
        """How many disturbances are in force in the present interval, by kind."""
        stage = self.engine.disturbances
        if stage is None:
            return {}
        return dict(zip(stage.schedule.kinds, stage.count_now[:, 0].tolist(), strict=True))

    @property
    def watch(self) -> ConditionWatch | None:
        """The conditions; None without any."""
        return self.engine.watch

    def say_price(self, price: float) -> None:
        """Let the operator add to the market price of the next interval [$/MWh]."""
        tariff = self.engine.interval.tariff
        assert tariff is not None
        tariff.signal[0] = price

    def admit(self, names: Collection[str]) -> None:
        """Let these agents, and no others, take part in the market of the next interval."""
        market = self.engine.market
        assert market is not None
        market.takes_part[:, 0] = [name in names for name in self._names]

    def trades(self, name: str) -> dict[str, float]:
        """Return what an agent has traded in the last interval; {} without a market."""
        market, number = self.engine.market, self._names.index(name)
        entries = {} if market is None else market.entries()
        return {entry: float(values[number, 0]) for entry, values in entries.items()}

    def begin_interval(self, k: int) -> None:
        """Set prices, clock, forecasts and available power of interval `k`."""
        self.engine.begin_next(0, 1)

    def observations(self) -> dict[str, NDArray[np.float32]]:
        """Return every agent's present observation, arrays of the caller's own."""
        engine = self.engine
        engine.observe(0, 1)  # now: somebody may have written to a state since the last step
        seen = engine.observer.observations[0]
        return {
            name: seen[number, :n].copy()
            for number, (name, n) in enumerate(zip(self._names, self._n_obs, strict=True))
        }

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        for name in ("_engine", "_first_not_finite", "_info_of"):  # made anew with the engine
            state[name] = None
        if self._engine is not None:
            state["_saved"] = self._engine.kept()
        return state
