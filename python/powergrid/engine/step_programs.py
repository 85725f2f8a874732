"""The stages of a step in their order, as programs."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from powergrid.engine.program import Program, Stage

if TYPE_CHECKING:
    from powergrid.engine.engine import Engine

__all__ = ["StepPrograms"]


class StepPrograms:
    """What an engine does with its lanes, each made when it is first wanted.

    They work on the arrays that the engine has when they are made.

    Parameters
    ----------
    engine : Engine
        Whose stages.
    is_native : bool
        Whether stages run without the interpreter where they can, to the same bits.
    """

    def __init__(self, engine: Engine, *, is_native: bool) -> None:
        self._engine, self.is_native = engine, is_native
        self._part = engine.books.part

    @property
    def is_current(self) -> bool:
        """Whether the engine's arrays are still those; a new cause of costs makes new books."""
        return self._part is self._engine.books.part

    @cached_property
    def first(self) -> Program:
        """The start of an episode, from its series on: one power flow, and no time passes."""
        engine = self._engine
        return self._program(
            [
                engine.interval.begin,
                *self._disturb,
                *self._solve,
                engine.devices.read_meters,
                engine.observer.observe,
            ]
        )

    @cached_property
    def run(self) -> Program:
        """An interval, up to cost and safety."""
        return self._program(self._run)

    @cached_property
    def pieces_of_all(self) -> list[Program]:
        """A piece of each group of devices, which all have one in all lanes."""
        return [self._program([group.live_all]) for group in self._engine.pieces.groups]

    @cached_property
    def pieces_of_some(self) -> list[Program]:
        """A piece of those devices of each group that have one."""
        return [self._program([group.live_some]) for group in self._engine.pieces.groups]

    @cached_property
    def end_first_piece(self) -> Program:
        """What a first piece leaves behind."""
        return self._program([self._engine.pieces.end_first_piece])

    @cached_property
    def end_piece(self) -> Program:
        """What a later one does."""
        return self._program([self._engine.pieces.end_piece])

    @cached_property
    def run_last_pieces(self) -> Program:
        """The rest of an interval in which each device has been told its action."""
        return self._program(self._run_last_pieces)

    @cached_property
    def pay(self) -> Program:
        """Rewards."""
        return self._program([self._engine.books.pay])

    @cached_property
    def begin_next(self) -> Program:
        """The way to the next interval."""
        return self._program([self._engine.scene.count_step, *self._go_on])

    @cached_property
    def observe(self) -> Program:
        """Observations."""
        return self._program([self._engine.observer.observe])

    @cached_property
    def step(self) -> Program:
        """All four."""
        engine = self._engine
        next_one = [engine.scene.count_step, *self._go_on]
        return self._program([*self._run, engine.books.pay, *next_one, engine.observer.observe])

    @cached_property
    def step_last_pieces(self) -> Program:
        """The same, and on to the next interval."""
        next_one = [self._engine.scene.count_step, *self._go_on]
        return self._program([*self._run_last_pieces, self._engine.books.pay, *next_one])

    @property
    def _go_on(self) -> list[Stage]:
        return [self._engine.interval.go_on, *self._disturb]

    @property
    def _disturb(self) -> list[Stage]:
        disturbances = self._engine.disturbances
        return [] if disturbances is None else [disturbances.begin]

    @property
    def _solve(self) -> list[Stage]:
        devices, network = self._engine.devices, self._engine.network
        disturbances = self._engine.disturbances
        enacting = [] if disturbances is None else [disturbances.enact]
        return [
            *enacting, devices.read_actions, devices.set_points,
            network.write_inputs, *self._cutting, network.settle, network.read_results,
        ]  # fmt: skip

    @property
    def _run(self) -> list[Stage]:
        engine = self._engine
        agreeing = [] if engine.plan is None else [engine.agree]
        return [
            *agreeing, *self._solve,
            engine.devices.advance, engine.devices.book, engine.books.book, *self._last,
        ]  # fmt: skip

    @property
    def _run_last_pieces(self) -> list[Stage]:
        engine = self._engine
        pieces, devices, network = engine.pieces, engine.devices, engine.network
        return [
            pieces.begin_last, devices.set_points_as_told, network.write_inputs, pieces.write_means,
            *self._cutting, network.settle, network.read_results,
            devices.advance, devices.book, pieces.finish, engine.books.book, *self._last,
        ]  # fmt: skip

    @property
    def _cutting(self) -> list[Stage]:
        disturbances = self._engine.disturbances
        return [] if disturbances is None else [disturbances.cut_supply]

    @property
    def _last(self) -> list[Stage]:
        market, watch = self._engine.market, self._engine.watch
        return [
            *([] if market is None else [market.clear]),
            *([] if watch is None else [watch.check]),
        ]

    def _program(self, stages: list[Stage]) -> Program:
        return Program(stages, self._engine.network, is_native=self.is_native)
