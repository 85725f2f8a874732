"""What a picture or table of a running episode needs to know, taken from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powergrid.agents.device_agent import DeviceAgent
from powergrid.agents.grid import Grid
from powergrid.agents.power_grid_agent import PowerGridAgent
from powergrid.envs.render.diagram import DeviceMark, DeviceReading

if TYPE_CHECKING:
    from powergrid.envs.networked_grid_env import NetworkedGridEnv

__all__ = ["AgentReading", "EpisodeRecord", "Snapshot", "device_marks"]

Array = NDArray[np.float64]
Key = tuple[str, str]  # agent, device


@dataclass(frozen=True)
class AgentReading:
    """One agent over the last interval."""

    price: float  # [$/MWh]
    cost: float  # [$]
    safety: float
    reward: float
    total_cost: float  # since the reset [$]
    v_min_pu: float
    v_max_pu: float
    exchange_p_mw: float | None  # bought from the utility; None without a meter


@dataclass(frozen=True)
class Snapshot:
    """The state after an interval, or after the reset (`n_done` is 0 then)."""

    n_done: int  # intervals lived through
    converged: bool
    vm_pu: Array  # (n_bus,)
    line_loading_percent: Array  # (n_line,)
    tap_pos: Array  # (n_trafo,)
    shunt_step: Array  # (n_shunt,)
    source_p_mw: float
    load_p_mw: float
    loss_mw: float
    agents: Mapping[str, AgentReading]
    devices: Mapping[Key, DeviceReading]


@dataclass
class EpisodeRecord:
    """The last snapshot, and the curves of the episode so far.

    Curves have one entry for each interval; those of the state of charge begin with the reset.
    """

    day: int
    start_s: float  # since the Monday midnight that weekdays are counted from
    step_s: float
    n_step: int
    last: Snapshot
    price: dict[str, list[float]] = field(default_factory=dict)  # by agent [$/MWh]
    exchange_mw: dict[str, list[float]] = field(default_factory=dict)  # by agent with a meter
    load_mw: list[float] = field(default_factory=list)
    soc: dict[Key, list[float]] = field(default_factory=dict)
    v_min_pu: list[float] = field(default_factory=list)
    v_max_pu: list[float] = field(default_factory=list)

    @classmethod
    def begin(cls, env: NetworkedGridEnv) -> EpisodeRecord:
        """Return the record of an episode that was just reset."""
        window = env.distribution.window
        assert window is not None
        record = cls(
            env.day, window.start_s, window.step_s, env.max_episode_steps, _snapshot(env, 0)
        )
        record._add_soc()
        return record

    def add(self, env: NetworkedGridEnv) -> None:
        """Add an interval that was just settled."""
        self.last = _snapshot(env, self.last.n_done + 1)
        for name, agent in self.last.agents.items():
            self.price.setdefault(name, []).append(agent.price)
            if agent.exchange_p_mw is not None:
                self.exchange_mw.setdefault(name, []).append(agent.exchange_p_mw)
        self.load_mw.append(self.last.load_p_mw)
        is_supplied = self.last.vm_pu > 0.0
        self.v_min_pu.append(float(self.last.vm_pu[is_supplied].min(initial=np.inf)))
        self.v_max_pu.append(float(self.last.vm_pu[is_supplied].max(initial=0.0)))
        self._add_soc()

    def _add_soc(self) -> None:
        for key, reading in self.last.devices.items():
            if reading.soc is not None:
                self.soc.setdefault(key, []).append(reading.soc)


def device_marks(agents: Mapping[str, PowerGridAgent], bus_index: list[int]) -> list[DeviceMark]:
    """Return the devices that stand at a bus and inject there."""
    row_of = {index: row for row, index in enumerate(bus_index)}
    return [
        DeviceMark((name, device_id), _kind(device), row_of[device.bus_idx])
        for name, agent in agents.items()
        for device_id, device in agent.devices.items()
        if device.bus_idx in row_of and device.element in ("sgen", "storage")
    ]


def _kind(device: DeviceAgent) -> str:
    if "storage" in device.state.features:
        return "storage"
    if hasattr(device, "available_power"):
        words = f"{getattr(device, 'source', '')} {device.kind} {type(device).__name__}".lower()
        return "solar" if "solar" in words or "pv" in words else "wind"
    return "generator" if "unit" in device.state.features else "other"


def _snapshot(env: NetworkedGridEnv, n_done: int) -> Snapshot:
    flow, result = env.power_flow, env.power_flow.result
    agents = env.agent_dict
    return Snapshot(
        n_done=n_done,
        converged=result.converged,
        vm_pu=result.vm_pu.copy(),
        line_loading_percent=result.line_loading_percent.copy(),
        tap_pos=flow.tap_pos.copy(),
        shunt_step=flow.shunt_step.copy(),
        source_p_mw=result.source_p_mw,
        load_p_mw=float(flow.load_p_mw.sum()),
        loss_mw=result.loss_mw,
        agents={name: _read_agent(env, name, agent) for name, agent in agents.items()},
        devices={
            (name, device_id): _read_device(device)
            for name, agent in agents.items()
            for device_id, device in agent.devices.items()
        },
    )


def _read_agent(env: NetworkedGridEnv, name: str, agent: PowerGridAgent) -> AgentReading:
    cost, safety, reward = env.metrics.last.get(name, (0.0, 0.0, 0.0))
    exchanges = [_p_mw(d) for d in agent.devices.values() if isinstance(d, Grid)]
    voltages = agent.state.bus_voltages
    return AgentReading(
        price=float(agent.state.market.price),
        cost=cost,
        safety=safety,
        reward=reward,
        total_cost=env.metrics.cost[name],
        v_min_pu=float(voltages.v_min),
        v_max_pu=float(voltages.v_max),
        exchange_p_mw=exchanges[0] if exchanges else None,
    )


def _read_device(device: DeviceAgent) -> DeviceReading:
    features: Mapping[str, Any] = device.state.features
    electrical, storage = features.get("electrical"), features.get("storage")
    unit, tap = features.get("unit"), features.get("tap")
    return DeviceReading(
        p_mw=_p_mw(device),
        q_mvar=0.0 if electrical is None else float(electrical.q_MVAr),
        soc=None if storage is None else float(storage.soc),
        is_on=unit is None or float(unit.status) > 0.0,
        tap=None if tap is None else float(tap.tap),
    )


def _p_mw(device: DeviceAgent) -> float:
    features: Mapping[str, Any] = device.state.features
    electrical = features.get("electrical")
    return 0.0 if electrical is None else float(electrical.p_MW)
