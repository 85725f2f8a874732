"""What an optimal power flow is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heron.errors import ConfigError
from powergrid.optimization.exchange import Exchange
from powergrid.optimization.units import Unit
from powergrid.powerflow.native_flow import NativeFlow
from powergrid.powerflow.power_flow import INPUTS

__all__ = ["OpfCase", "copy_of"]


@dataclass(frozen=True)
class OpfCase:
    """A network through one or more steps, what is decided in it, and what energy costs.

    Attributes
    ----------
    flow : NativeFlow
        One lane a step. Its inputs are those of the steps: loads, taps, shunts, set voltages, and
        the power of whatever is not decided. It is read, never written.
    units : sequence of Unit
        What is decided.
    exchanges : sequence of Exchange
        What energy is bought through.
    dt_h : float
        Length of a step [h].
    """

    flow: NativeFlow
    units: Sequence[Unit] = ()
    exchanges: Sequence[Exchange] = ()
    dt_h: float = 1.0

    @property
    def n_step(self) -> int:
        """Number of steps."""
        return self.flow.n_lane

    def check(self) -> None:
        """Raise ConfigError for what cannot be meant."""
        parts: list[Unit | Exchange] = [*self.units, *self.exchanges]
        names = [part.name for part in parts]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ConfigError(f"two units or exchanges are called {twice[0]!r}")
        if not 0.0 < self.dt_h < np.inf:
            raise ConfigError(f"dt_h is {self.dt_h}, expected a number of hours above 0")
        for part in parts:
            part.check(self.n_step)
        self.injection_rows()

    def injection_rows(self) -> list[int]:
        """Return the row of each unit among the injections; ConfigError if it has no effect."""
        compiled = self.flow.compiled
        rows = []
        for unit in self.units:
            of_table = getattr(compiled.elements, unit.table)
            if unit.number not in of_table:
                raise ConfigError(
                    f"{unit.name}: net.{unit.table} has no row {unit.number}; it has "
                    f"{sorted(of_table)}"
                )
            row = getattr(compiled.injections, unit.table).start + of_table[unit.number]
            if compiled.data["injection_node"][row] < 0:
                raise ConfigError(
                    f"{unit.name}: row {unit.number} of net.{unit.table} is out of service, or its "
                    f"bus out of supply"
                )
            if row in rows:
                raise ConfigError(
                    f"{unit.name}: row {unit.number} of net.{unit.table} is decided twice"
                )
            rows.append(row)
        return rows


def copy_of(flow: NativeFlow) -> NativeFlow:
    """Return a power flow with the same inputs, that shares what was compiled; not solved yet."""
    copy = flow.with_lanes(flow.n_lane)
    for name in INPUTS:
        getattr(copy, name)[...] = getattr(flow, name)
    return copy
