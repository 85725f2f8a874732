"""The market among microgrids at the end of an interval."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from powergrid.agents.grid import Grid
from powergrid.agents.protocol_config import MarketConfig
from powergrid.engine.lane_arrays import lane_array
from powergrid.kernels.grid import PRICE_SCALE, SELL_RATIO
from powergrid.kernels.market import clear
from powergrid.kernels.transfer import copy_rows

if TYPE_CHECKING:
    from powergrid.engine.books import Books
    from powergrid.engine.device_stage import DeviceStage
    from powergrid.engine.scene import Scene

__all__ = ["MARKET_ENTRIES", "MarketStage"]

Array = NDArray[np.float64]
Index = NDArray[np.int32]

MARKET_ENTRIES = ("energy_traded_mwh", "trade_payment", "trade_fee")
"""Names of the parts of `MarketStage.ledger`."""


class MarketStage:
    """What agents bought from each other in an interval, and what became cheaper by it.

    Metered net positions are offered; see `powergrid.kernels.market.clear`. The saving is the part
    "trade" of an agent's cost, beside its whole energy at the utility's price.

    Attributes
    ----------
    ledger : ndarray, (3 * n_agent, n_lane)
        Energy bought from others, negative for sold [MWh], payment and fee [$], by agent.
    takes_part : ndarray of bool, (n_agent, n_lane)
        Who has an offer in the market; all, unless somebody decides otherwise.
    """

    def __init__(
        self,
        scene: Scene,
        devices: DeviceStage,
        books: Books,
        status: NDArray[np.int8],
        config: MarketConfig,
    ) -> None:
        self._scene, self._books, self._status = scene, books, status
        self._fee, self._has_hooks = config.trading_fee, devices.hooked is not None
        n, n_lane = len(scene.agents), scene.n_lane
        meters = {m.agent: m for m in scene.members if isinstance(m.device, Grid)}
        self._agent = np.array(list(meters), np.int32)
        owners = [m.owner for m in meters.values()]
        self._meter_slot = np.array([scene.slot(f"{o}.electrical.p_MW") for o in owners], np.int32)
        names = [scene.agents[k].agent_id for k in meters]
        self._price_slot = np.array([scene.slot(f"{x}.market.price") for x in names], np.int32)
        books.know_parts([(k, "trade") for k in meters])
        self._part_row = np.array([books.part_row[k, "trade"] for k in meters], np.int32)
        self.ledger = lane_array(len(MARKET_ENTRIES) * n, n_lane=n_lane)
        self._bought, self._payment, self._fees = (
            self.ledger[k * n : (k + 1) * n] for k in range(len(MARKET_ENTRIES))
        )
        stride = self.ledger.shape[1]
        self.takes_part = np.ones((n, stride), np.bool_)
        self._scale, self._ratio = np.ones((2, len(meters), stride))
        for k, m in enumerate(meters.values()):
            self._scale[k] = m.device.config.price_scale
            self._ratio[k] = m.device.config.sell_ratio
        # Where the parameters of connections that run by kernels are; they may differ by lane.
        self._given: list[tuple[Array, Index, Index, Index]] = []
        number = {owner: k for k, owner in enumerate(owners)}
        for group in devices.groups:
            found = [i for i, m in enumerate(group.members) if m.owner in number]
            if found:
                rows = np.array(found, np.int32)
                trader = np.array([number[group.members[i].owner] for i in found], np.int32)
                n = len(group)
                self._given.append(
                    (
                        group.parameters.reshape(-1, group.parameters.shape[-1]),
                        PRICE_SCALE * n + rows,
                        SELL_RATIO * n + rows,
                        trader,
                    )
                )

    def clear(self, first: int, last: int) -> None:
        """Clear the markets of lanes `first` to `last`, their costs being booked."""
        books, scene = self._books, self._scene
        if self._has_hooks:
            # Hooks may name a new cause in any step, for which the books make their rows anew. So
            # this is no stage to be written down once: a recorder cannot tell its lanes.
            operator.index(first)
        for parameters, scale_row, ratio_row, trader in self._given:
            copy_rows(parameters, scale_row, self._scale, trader, first, last)
            copy_rows(parameters, ratio_row, self._ratio, trader, first, last)
        clear(
            scene.x, self._agent, self._meter_slot, self._price_slot, self._scale, self._ratio,
            self.takes_part, self._status, self._fee, scene.rules.dt_h, self._bought,
            self._payment, self._fees, books.part, self._part_row, books.cost, first, last,
        )  # fmt: skip

    def reset(self, first: int, last: int) -> None:
        """Begin an episode."""
        self.ledger[:, first:last] = 0.0
        self.takes_part[:, first:last] = True

    def entries(self) -> dict[str, Array]:
        """Return the parts of the ledger by name, (n_agent, n_lane or more) each; views."""
        parts = (self._bought, self._payment, self._fees)
        return dict(zip(MARKET_ENTRIES, parts, strict=True))
