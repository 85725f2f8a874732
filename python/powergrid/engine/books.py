"""The books: cost and safety of agents with their parts, energy, rewards, sums of the episode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powergrid.agents.grid import Grid
from powergrid.engine.device_stage import DeviceStage
from powergrid.engine.lane_arrays import lane_array
from powergrid.engine.network_stage import NetworkStage
from powergrid.engine.scene import Scene
from powergrid.kernels.books import add_rates, pay, sum_up
from powergrid.kernels.transfer import exchange

__all__ = ["SAFETY_PARTS", "Books"]

SAFETY_PARTS = ("device", "voltage", "loading", "distribution")
"""Kinds of violation, in the order of `Books.violation`."""


class Books:
    """What an interval cost and which limits it broke, agent by agent.

    Attributes
    ----------
    ledger : ndarray, (n_entry, n_lane)
        The next six, one behind the other.
    cost, safety, counted : ndarray, (n_agent, n_lane)
        Cost [$] and safety, and the safety that counts, which differs where the power flow failed.
    causes : list[str]
        Names of the parts of the cost.
    part : ndarray, (n_cause * n_agent, n_lane)
        Cost [$] by cause and agent; `part_row` says, by agent and cause, which is where. It is made
        anew when a device with Python hooks names a new cause.
    violation : ndarray, (4, n_agent, n_lane)
        Safety by kind, see `SAFETY_PARTS`.
    bought, sold : ndarray, (n_agent, n_lane)
        Energy through each meter [MWh].
    reward : ndarray, (n_lane, n_agent)
        Pay [$].
    episode : ndarray, (3, n_agent, n_lane)
        Sums of cost, counted safety and reward since the start of the episode.
    """

    def __init__(self, scene: Scene, devices: DeviceStage, network: NetworkStage) -> None:
        self._scene, self._devices, self._network = scene, devices, network
        self._status = network.flow.status
        n_lane, n = scene.n_lane, len(scene.agents)
        self.causes: list[str] = []
        self.part_row: dict[tuple[int, str], int] = {}
        self.part = lane_array(0, n_lane=n_lane)
        order, self._part_of_rate = [], np.zeros(len(devices.rate), np.int32)
        for m in scene.members:
            for name in m.kernels.cost_parts if m.kernels is not None else ():
                row = devices.rate_row[m.owner, name]
                order.append(row)
                self.know_parts([(m.agent, name)])
                self._part_of_rate[row] = self.part_row[m.agent, name]
        self._order = np.array(order, np.int32)
        self._agent_of_device = np.array([m.agent for m in devices.in_order], np.int32)
        self.ledger = lane_array(n * (5 + len(SAFETY_PARTS)), n_lane=n_lane)
        self.cost, self.safety, self.counted, self.bought, self.sold = (
            self.ledger[k * n : (k + 1) * n] for k in range(5)
        )
        stride = self.ledger.shape[1]
        self.violation = self.ledger[5 * n :].reshape(len(SAFETY_PARTS), n, stride)
        self.episode = lane_array(3, n, n_lane=n_lane)
        self.reward = np.zeros((n_lane, n))
        self._meter_slot = np.full(n, -1, np.int32)
        for m in scene.members:
            if isinstance(m.device, Grid):
                self._meter_slot[m.agent] = scene.slot(f"{m.owner}.electrical.p_MW")

    def know_parts(self, names: list[tuple[int, str]]) -> None:
        """Make rows for parts of the cost, agent and cause, that were not known yet."""
        new = [name for name in names if name not in self.part_row]
        n = len(self._scene.agents)
        for agent, cause in new:
            if cause not in self.causes:
                self.causes.append(cause)
            self.part_row[agent, cause] = self.causes.index(cause) * n + agent
        if not new:
            return
        part = lane_array(len(self.causes) * n, n_lane=self._scene.n_lane)
        part[: len(self.part)] = self.part
        self.part = part
        # They are added in the order in which the agents list them.
        self._part_row = np.array(list(self.part_row.values()), np.int32)
        self._agent_of_part = np.array([agent for agent, _ in self.part_row], np.int32)

    def parts_of(self, lanes: NDArray[np.intp]) -> dict[tuple[int, str], NDArray[np.float64]]:
        """Return the cost of some lanes by agent and cause, (n_lane,) each."""
        return {name: self.part[row, lanes] for name, row in self.part_row.items()}

    def set_parts(
        self, lanes: NDArray[np.intp], parts: Mapping[tuple[int, str], NDArray[np.float64]]
    ) -> None:
        """Take over what `parts_of` gave, maybe of other books."""
        self.know_parts(list(parts))
        self.part[:, lanes] = 0.0
        for name, values in parts.items():
            self.part[self.part_row[name], lanes] = values

    def book(self, first: int, last: int) -> None:
        """Sum rates and violations of the devices up to their agents."""
        devices, network, dt_h = self._devices, self._network, self._scene.rules.dt_h
        hooked = devices.hooked
        if hooked is not None:
            for lane in range(first, last):
                self.know_parts(list(hooked.cost_by_cause[lane]))
        add_rates(devices.rate, self._order, self._part_of_rate, dt_h, self.part, first, last)
        if hooked is not None:
            for lane in range(first, last):
                for name, rate in hooked.cost_by_cause[lane].items():
                    self.part[self.part_row[name], lane] += rate * dt_h
        sum_up(
            self.part, self._part_row, self._agent_of_part, devices.safety, self._agent_of_device,
            network.deviation, network.overload, len(self._scene.agents), self.cost,
            self.violation, self.safety, first, last,
        )  # fmt: skip
        exchange(
            self._scene.x, self._meter_slot, self._status, dt_h, self.bought, self.sold,
            first, last,
        )  # fmt: skip

    def pay(self, first: int, last: int) -> None:
        """Turn cost and safety into rewards."""
        rules = self._scene.rules
        pay(
            self.cost, self.safety, self._status, rules.penalty, rules.share_reward,
            rules.failure_reward, rules.failure_safety, self.counted, self.reward, self.episode,
            first, last,
        )  # fmt: skip

    def reset(self, first: int, last: int) -> None:
        """Begin an episode."""
        self.ledger[:, first:last] = 0.0
        self.part[:, first:last] = 0.0
        self.episode[:, :, first:last] = 0.0

    def arrays(self) -> list[NDArray[Any]]:
        """Return what outlives a step, but the parts of the cost; lanes on the last axis."""
        return [self.ledger, self.episode, self.reward.T]
