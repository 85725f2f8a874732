"""Devices that run by the hooks of their class, one object for each lane.

Their features are columns of the same table; everything else they keep in the object itself. This
is the general road: as right as the kernels, and as slow as Python.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powergrid.agents.device_agent import DeviceAgent
from powergrid.agents.device_pieces import DevicePieces
from powergrid.agents.grid import Grid
from powergrid.agents.power_grid_agent import accepted_arguments
from powergrid.agents.transformer import Transformer
from powergrid.engine.members import Member, acts_by_itself
from powergrid.kernels.device_kernels import MEASURES

if TYPE_CHECKING:
    from powergrid.agents.power_grid_agent import PowerGridAgent

__all__ = ["HookedDevices"]

Array = NDArray[np.float64]
Index = NDArray[np.int32]
SlotsOf = Callable[[str, str], slice]


class HookedDevices:
    """All devices of an environment without kernels, over all lanes.

    Parameters
    ----------
    agents : sequence of PowerGridAgent
        Whose devices they are; those themselves serve lane 0, copies of them the others.
    members : sequence of Member
        Those without kernels, in order.
    x : ndarray, (n_slot, n_lane)
        The feature table.
    slots_of : callable
        ``slots_of(owner, feature)``: the slots of a block.
    step_h : float
        Length of an interval [h].

    Attributes
    ----------
    cost_by_cause : list[dict[tuple[int, str], float]]
        By lane: rates [$/h] of the last step by agent and cause.
    """

    def __init__(
        self,
        agents: Sequence[PowerGridAgent],
        members: Sequence[Member],
        x: Array,
        slots_of: SlotsOf,
        n_lane: int,
        step_h: float,
    ) -> None:
        self._step_h = step_h
        self.members = list(members)
        self._names = [member.device.agent_id for member in members]
        self._takes = [accepted_arguments(member.device) for member in members]
        self._x = x
        self._slots_of = slots_of
        self._available_slot = [
            slots_of(m.owner, "availability").start if hasattr(m.device, "available_power") else -1
            for m in members
        ]
        self._leaders = [k for k, agent in enumerate(agents) if acts_by_itself(agent)]
        self.devices: list[list[DeviceAgent]] = [[member.device for member in members]]
        self.agents: list[list[PowerGridAgent]] = [list(agents)]
        for lane in range(1, n_lane):
            self.devices.append([self._copy(m, lane) for m in members])
            self.agents.append(self._copy_leaders(agents, lane))
        self.cost_by_cause: list[dict[tuple[int, str], float]] = [{} for _ in range(n_lane)]
        # Whether devices are out of service or stuck, (n_device, n_lane); None if none ever is.
        self.is_out: NDArray[np.uint8] | None = None
        self.is_stuck: NDArray[np.uint8] | None = None
        # By (device, lane): what its pieces but the last contribute to the means of the interval.
        self._pieces: dict[tuple[int, int], DevicePieces] = {}

    def _copy(self, member: Member, lane: int) -> DeviceAgent:
        """Return a copy of a device whose features are those of `lane`."""
        device = copy.deepcopy(member.device)
        for name, block in device.state.features.items():
            block.bind(self._x[self._slots_of(member.owner, name), lane])
        return device

    def _copy_leaders(self, agents: Sequence[PowerGridAgent], lane: int) -> list[PowerGridAgent]:
        """Return copies of the agents that act by themselves, over the devices of `lane`."""
        own = []
        for number, agent in enumerate(agents):
            if number not in self._leaders:
                own.append(agent)
                continue
            leader = copy.copy(agent)  # network and layouts are shared, they do not change
            leader.protocol = copy.deepcopy(agent.protocol)
            leader.state = copy.deepcopy(agent.state)
            for name, block in leader.state.features.items():
                block.bind(self._x[self._slots_of(agent.agent_id, name), lane])
            leader.subordinate_agents = {
                m.device.agent_id: device
                for m, device in zip(self.members, self.devices[lane], strict=True)
                if m.agent == number
            }
            own.append(leader)
        return own

    # --- the stages, in the order of a step ----------------------------------------------------

    def reset(self, first: int, last: int) -> None:
        """Return to the initial state."""
        for lane in range(first, last):
            for k, device in enumerate(self.devices[lane]):
                device.reset()
                self._pieces.pop((k, lane), None)  # of an interval that failed midway
            self.cost_by_cause[lane] = {}

    def begin_interval(self, price_slot: Index, first: int, last: int) -> None:
        """Tell devices price and available power of the interval, which the table has by now.

        ``price_slot[agent]`` is the agent's price in the table.
        """
        x = self._x
        for k, member in enumerate(self.members):
            available_slot = self._available_slot[k]
            for lane in range(first, last):
                device = self.devices[lane][k]
                if available_slot >= 0:
                    # A device may take its power as it likes, so it has the last word.
                    device.available_power = float(x[available_slot, lane])  # type: ignore[attr-defined]
                    x[available_slot, lane] = device.available_power  # type: ignore[attr-defined]
                if isinstance(device, Grid):
                    device.price = float(x[price_slot[member.agent], lane])

    def begin_outages(self, first: int, last: int) -> None:
        """Tell devices whether they are out of service or stuck in the interval."""
        for lane in range(first, last):
            for k, device in enumerate(self.devices[lane]):
                device.is_out = self.is_out is not None and bool(self.is_out[k, lane])
                device.is_stuck = self.is_stuck is not None and bool(self.is_stuck[k, lane])
                if device.is_out and self._available_slot[k] >= 0:
                    device.available_power = 0.0  # type: ignore[attr-defined]

    def set_points(
        self, actions: Array | None, units: list[Array], dt_h: Array, first: int, last: int
    ) -> None:
        """Apply the actions, in each device's own units; `dt_h` (n_device, n_lane) for how long.

        With flat actions, (n_lane, n_agent, n_entry), agents that act by themselves split theirs.
        """
        for lane in range(first, last):
            for k, device in enumerate(self.devices[lane]):
                device.dt = float(dt_h[k, lane])
            leaders = self._leaders if actions is not None else ()
            for number in leaders:
                agent = self.agents[lane][number]
                agent.apply_action(actions[lane, number, : agent.action_layout.size])  # type: ignore[index]
            for k, member in enumerate(self.members):
                if member.agent not in leaders:
                    self.devices[lane][k].obey(units[k][:, lane].copy())

    def live_piece(
        self, k: int, lane: int, units: Array, readings: Array, row: Index, dt_h: float
    ) -> None:
        """Live through a piece of an interval, `dt_h` [h], that a command to device `k` ends.

        The rest is as for the whole interval; meters have what they read last.
        """
        pieces = self._pieces.setdefault((k, lane), DevicePieces(self._step_h))
        update = self._update(k, lane, readings, row, dt_h)
        pieces.live(self.devices[lane][k], units[:, lane].copy(), dt_h, update)

    def _update(
        self, k: int, lane: int, readings: Array, row: Index, dt_h: float
    ) -> dict[str, Any]:
        """Return the arguments of a device's `update_state`."""
        measured = {
            name: float(readings[r, lane])
            for name, r in zip(MEASURES, row[k].tolist(), strict=True)
            if r >= 0
        }
        offered: dict[str, Any] = {"net_results": measured, "dt": dt_h}
        return {name: offered[name] for name in self._takes[k]}

    def advance(self, readings: Array, row: Index, dt_h: Array, first: int, last: int) -> None:
        """Let time pass, `dt_h` (n_device, n_lane); where it is 0, only meters read.

        ``readings[row[device, measure], lane]`` are `MEASURES`; row -1 is none.
        """
        for lane in range(first, last):
            for k, device in enumerate(self.devices[lane]):
                if dt_h[k, lane] > 0.0 or isinstance(device, Grid | Transformer):
                    device.update_state(
                        **self._update(k, lane, readings, row, float(dt_h[k, lane]))
                    )

    def book(self, safety: Array, first: int, last: int) -> None:
        """Work out cost rates and violations, (n_device, n_lane)."""
        for lane in range(first, last):
            causes: dict[tuple[int, str], float] = {}
            for k, (member, device) in enumerate(
                zip(self.members, self.devices[lane], strict=True)
            ):
                device.update_cost_safety()
                rates, safety[k, lane] = device.cost_by_cause(), device.safety
                pieces = self._pieces.pop((k, lane), None)
                if pieces is not None:
                    rates, safety[k, lane] = pieces.mean_rates(device), pieces.mean_safety(device)
                for name, rate in rates.items():
                    key = (member.agent, name)
                    causes[key] = causes.get(key, 0.0) + rate
            self.cost_by_cause[lane] = causes

    # --- saving lanes --------------------------------------------------------------------------

    def save(self, lane: int) -> Any:
        """Return what the lane's objects keep outside the table."""
        kept = [
            {k: v for k, v in device.__dict__.items() if k != "state"}
            for device in self.devices[lane]
        ]
        protocols = [self.agents[lane][number].protocol for number in self._leaders]
        return copy.deepcopy((kept, protocols, self.cost_by_cause[lane]))

    def load(self, lane: int, saved: Any) -> None:
        """Take over what `save` gave; the features come with the table."""
        kept, protocols, causes = copy.deepcopy(saved)
        for device, values in zip(self.devices[lane], kept, strict=True):
            device.__dict__.update(values)
        for number, protocol in zip(self._leaders, protocols, strict=True):
            self.agents[lane][number].protocol = protocol
        self.cost_by_cause[lane] = causes
