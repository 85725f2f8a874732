"""One step of all lanes, as a row of stages over ``[row, lane]`` arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from heron.core.feature_table import FeatureTable
from powergrid.agents.common_plan import CommonPlan
from powergrid.agents.observation_layout import ObservationLayout
from powergrid.agents.protocol_config import ConsensusConfig, MarketConfig
from powergrid.disturbances.condition_watch import ConditionWatch
from powergrid.engine.books import Books
from powergrid.engine.device_stage import DeviceStage
from powergrid.engine.disturbance_stage import DisturbanceStage
from powergrid.engine.effects import Effects
from powergrid.engine.interval_stage import IntervalStage
from powergrid.engine.lane_arrays import as_rows
from powergrid.engine.market_stage import MarketStage
from powergrid.engine.network_stage import NetworkStage
from powergrid.engine.observer import Observer
from powergrid.engine.parameters import ParameterTable
from powergrid.engine.piece_stage import PieceStage
from powergrid.engine.program import Program
from powergrid.engine.rules import Rules
from powergrid.engine.scene import Scene
from powergrid.engine.step_programs import StepPrograms
from powergrid.powerflow.power_flow import PowerFlow

if TYPE_CHECKING:
    from powergrid.agents.power_grid_agent import PowerGridAgent
    from powergrid.disturbances.conditions import Condition
    from powergrid.disturbances.schedule import DisturbanceSchedule
    from powergrid.engine.crew import Crew
    from powergrid.envs.distribution_grid import DistributionGrid
    from powergrid.envs.episode_source import EpisodeSource

__all__ = ["Engine"]

Array = NDArray[np.float64]


class Engine:
    """All lanes of an environment.

    Every stage takes the lanes `first` to `last` (half open) and touches no others, so workers may
    take disjoint lanes at once. A step by actions allocates no array.

    Parameters
    ----------
    agents : sequence of PowerGridAgent
        In their initial state, their features in lane 0 of `table`.
    table : FeatureTable
        Of as many lanes as the power flow.
    flow : PowerFlow
        Of the whole network.
    distribution : DistributionGrid
        What belongs to no agent.
    source : EpisodeSource
        Series.
    layouts : sequence of ObservationLayout
        Of each agent.
    rules : Rules
        Time and pay.
    initial : ndarray, (n_slot,), optional
        What the features are at the start of an episode. The engine then has features of its own
        instead of the table's, and agents and table only say what is where.
    schedule : DisturbanceSchedule, optional
        Disturbances.
    conditions : sequence of Condition
        What wakes agents.

    Attributes
    ----------
    scene, devices, network, interval, books, observer
        The stages and what they share.
    disturbances : DisturbanceStage or None
        What is disturbed; None without a schedule.
    watch : ConditionWatch or None
        Conditions; None without any.
    market, plan
        Where agents trade with each other, and what they agree on before they act; None if they
        do not.
    parameters : ParameterTable
        What may differ from lane to lane.
    actions : ndarray, (n_lane, n_agent, n_entry)
        To be written before a step: flat actions in [-1, 1], finite; shorter ones end early.
    status : ndarray of int8, (n_lane,)
        Of the last power flow, see `LaneStatus`.
    """

    def __init__(
        self,
        agents: Sequence[PowerGridAgent],
        table: FeatureTable,
        flow: PowerFlow,
        distribution: DistributionGrid,
        source: EpisodeSource,
        layouts: Sequence[ObservationLayout],
        rules: Rules,
        initial: Array | None = None,
        schedule: DisturbanceSchedule | None = None,
        conditions: Sequence[Condition] = (),
    ) -> None:
        self.n_lane = flow.n_lane
        self.scene = Scene(agents, table, flow.n_lane, rules, initial)
        self.devices = DeviceStage(self.scene)
        self.network = NetworkStage(self.scene, self.devices, flow, distribution)
        self.interval = IntervalStage(
            self.scene, self.network, self.devices.hooked, distribution, source
        )
        self.disturbances: DisturbanceStage | None = None
        if schedule is not None:
            self.disturbances = DisturbanceStage(self.scene, self.devices, self.network, schedule)
        self.watch: ConditionWatch | None = None
        if conditions:
            names = [agent.agent_id for agent in agents]
            self.watch = ConditionWatch(
                conditions, names, self.scene.slot, self.scene.x, flow.status, rules.step_s
            )
        self.books = Books(self.scene, self.devices, self.network)
        self.market: MarketStage | None = None
        if isinstance(rules.protocol, MarketConfig):
            self.market = MarketStage(
                self.scene, self.devices, self.books, flow.status, rules.protocol
            )
        self.plan: CommonPlan | None = None
        if isinstance(rules.protocol, ConsensusConfig):
            self.plan = CommonPlan(self.scene.agents, rules.protocol)
        self.observer = Observer(self.scene, layouts)
        self.parameters = ParameterTable(self.interval, self.devices, distribution.config.name)
        self.actions = self.devices.actions
        self.status = flow.status
        self._programs = StepPrograms(self, is_native=True)

    # --- an episode and a step ----------------------------------------------------------------

    def start(
        self,
        first: int,
        last: int,
        days: Sequence[int],
        noise_seeds: Sequence[int | None],
        crew: Crew | None = None,
        disturbance_seeds: Sequence[int | None] = (),
    ) -> int:
        """Begin an episode in each lane and solve its first power flow with idle devices.

        `status` says whether that converged.

        Parameters
        ----------
        days, noise_seeds : sequence
            Day of the split and key of the fluctuation, one for each of the lanes.
        crew : Crew, optional
            Threads that share the lanes.
        disturbance_seeds : sequence
            Seeds of what disturbs them, where something may.

        Returns
        -------
        int
            Solves of a lane that it took, of all lanes together.
        """
        self.interval.begin_episodes(first, last, days, noise_seeds)
        self.parameters.put_in_force(first, last)
        self.scene.reset(first, last)
        self.network.reset(first, last)
        self.devices.reset(first, last)
        self.books.reset(first, last)
        if self.market is not None:
            self.market.reset(first, last)
        if self.disturbances is not None:
            self.disturbances.begin_episode(first, last, disturbance_seeds)
        if self.watch is not None:
            self.watch.reset(first, last)
        run = Program.run if crew is None else crew.run
        return run(self.programs.first, first, last)

    def agree(self, first: int, last: int) -> None:
        """Let agents with a common plan change `actions`."""
        if self.plan is not None:
            n_agent = self.actions.shape[1]
            self.plan.agree([self.actions[first:last, number] for number in range(n_agent)])

    def run(self, first: int, last: int) -> int:
        """Live through one interval with `actions`, up to cost and safety; return the solves."""
        return self.programs.run.run(first, last)

    def run_pieces(self, first: int, last: int, effects: Effects) -> int:
        """Live through one interval as `run` does, by commands instead of `actions`.

        Each device follows the command that is in force in it: at the start of an episode the idle
        one, then what `effects` bring. See `PieceStage`.
        """
        if self.disturbances is not None:
            self.disturbances.enact(first, last)
        self.pieces.live(first, last, effects, self.programs, Program.run)
        return self.programs.run_last_pieces.run(first, last)

    def pay(self, first: int, last: int) -> None:
        """Turn cost and safety into rewards."""
        self.programs.pay.run(first, last)

    def begin_next(self, first: int, last: int) -> None:
        """Go on to the next interval."""
        self.programs.begin_next.run(first, last)

    def observe(self, first: int, last: int) -> None:
        """Gather the observations."""
        self.programs.observe.run(first, last)

    def begin_step(self, crew: Crew) -> None:
        """Let `crew` live through one interval in all lanes and go on to the next."""
        crew.begin(self.programs.step, 0, self.n_lane)

    @property
    def programs(self) -> StepPrograms:
        """The stages of a step, wired to the engine's arrays."""
        if not self._programs.is_current:
            self._programs = StepPrograms(self, is_native=self._programs.is_native)
        return self._programs

    def run_by_stages(self) -> None:
        """Call the stages one by one from now on, for whoever looks at each; the bits are equal."""
        self._programs = StepPrograms(self, is_native=False)

    @cached_property
    def pieces(self) -> PieceStage:
        """Intervals in which commands take effect; for those who command device by device."""
        return PieceStage(self.scene, self.devices, self.network)

    def step_pieces(self, effects: Effects, crew: Crew) -> None:
        """Live through one interval by commands in all lanes and go on to the next.

        It is not observed.
        """
        if self.disturbances is not None:
            self.disturbances.enact(0, self.n_lane)
        self.pieces.live(0, self.n_lane, effects, self.programs, crew.run)
        crew.run(self.programs.step_last_pieces, 0, self.n_lane)

    # --- what lanes are made of ---------------------------------------------------------------

    @cached_property
    def _played(self) -> list[NDArray[Any]]:
        """The engine's arrays that an episode changes, lanes on their last axis."""
        arrays = [
            *self.devices.arrays(),
            *self.network.arrays(),
            *self.interval.arrays(),
            *self.books.arrays(),
            *(self.disturbances.arrays() if self.disturbances is not None else ()),
            *(self.watch.arrays() if self.watch is not None else ()),
            self.scene.step_number,
            self.scene.now_s,
            np.moveaxis(self.observer.observations, 0, -1),
            *([] if self.market is None else [self.market.ledger]),
        ]
        return [array[..., : self.n_lane] for array in arrays]

    @cached_property
    def own_arrays(self) -> list[NDArray[Any]]:
        """The engine's arrays that outlive a step, lanes on their last axis."""
        staged = self.parameters.staged
        return [*self._played, *(array[..., : self.n_lane] for array in staged)]

    @cached_property
    def lane_arrays(self) -> list[NDArray[Any]]:
        """All arrays that make up a lane, but the parts of the cost: own, features, power flow."""
        return [*self.own_arrays, *self._shared]

    @property
    def _shared(self) -> list[NDArray[Any]]:
        return [self.scene.x[:, : self.n_lane], *self.network.flow.state_arrays()]

    @cached_property
    def played_rows(self) -> list[NDArray[Any]]:
        """`lane_arrays` but staged parameters, as rows over lanes, (n_row, n_lane) each."""
        return [as_rows(array) for array in [*self._played, *self._shared]]

    def kept(self) -> dict[str, Any]:
        """Return what a copy of the engine needs beside the copied table and power flow."""
        hooked = self.devices.hooked
        return {
            "initial": self.scene.initial.copy(),
            "tap_start": self.network.tap_start.copy(),
            "parts": self.books.parts_of(np.arange(self.n_lane)),
            "arrays": [array.copy() for array in self.own_arrays],
            "causes": None if hooked is None else [dict(c) for c in hooked.cost_by_cause],
        }

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Take over what `kept` gave; table and power flow have come by themselves."""
        self.scene.initial[:], self.network.tap_start[:] = kept["initial"], kept["tap_start"]
        self.books.set_parts(np.arange(self.n_lane), kept["parts"])
        for array, values in zip(self.own_arrays, kept["arrays"], strict=True):
            array[...] = values
        self.parameters.is_plain = False
        if self.disturbances is not None:
            self.disturbances.find(np.arange(self.n_lane))
        if self.devices.hooked is not None:
            self.devices.hooked.cost_by_cause = kept["causes"]
