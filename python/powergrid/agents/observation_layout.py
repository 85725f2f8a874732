"""Which slots of the feature table an agent observes, in which order, under which names."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heron.core.feature_table import FeatureTable
from powergrid.agents.action_layout import kind_slots

if TYPE_CHECKING:
    from powergrid.agents.power_grid_agent import PowerGridAgent

__all__ = ["ObservationLayout", "agent_layouts"]

ZERO = "env.constants.zero"  # slots of the table that hold the two constants
ONE = "env.constants.one"
FORECASTS = ("price", "load", "solar", "wind")

# Fixed scaling of normalised observations, by field: (value - offset) / scale. Powers and energies
# are divided by the agent's base power instead.
SCALING = {
    "v_pu": (1.0, 0.05),
    "vm_pu": (1.0, 0.05),
    "v_min": (1.0, 0.05),
    "v_max": (1.0, 0.05),
    "max_loading": (0.0, 100.0),
    "loading_pct": (0.0, 100.0),
    "price": (50.0, 50.0),
    "tap": (0.0, 16.0),
}
POWER_FIELDS = {
    "p_MW", "q_MVAr", "p_max_MW", "p_min_MW", "q_max_MVAr", "q_min_MVAr",
    "available_p_MW", "total_load_MW", "e_capacity_MWh", "e_stored_MWh",
}  # fmt: skip


@dataclass
class ObservationLayout:
    """A gather list over the feature table.

    Attributes
    ----------
    names : list[str]
        What each entry is.
    slots : ndarray of int32, (n_obs,)
        Where each entry lies in the table.
    offset, scale : ndarray, (n_obs,)
        Entries are ``(value - offset) / scale``; 0 and 1 without normalisation.
    """

    names: list[str]
    slots: np.ndarray
    offset: np.ndarray
    scale: np.ndarray

    def __post_init__(self) -> None:
        self._is_scaled = bool(self.offset.any() or (self.scale != 1.0).any())

    def observe(self, table: FeatureTable, observer: np.ndarray, lane: np.ndarray) -> np.ndarray:
        """Return the observation as float32, (n_obs,).

        `observer` is the number that the table has given to `slots`, `lane` whose values are
        wanted; int32, (1,) each.
        """
        n_obs = len(self.slots)
        if not self._is_scaled:
            row = np.empty(n_obs, dtype=np.float32)
            table.gather(observer, lane, row.reshape(1, n_obs))
            return row
        values = np.empty((1, n_obs))
        table.gather(observer, lane, values)
        return self.scaled(values[0])

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """Return the observation, float32, (n_obs,), from the values of the slots."""
        if not self._is_scaled:
            return values.astype(np.float32)
        scaled: np.ndarray = (values - self.offset) / self.scale
        return scaled.astype(np.float32)

    def without(self, hidden: Collection[int], zero: int) -> ObservationLayout:
        """Return the same entries with those of hidden slots reading 0, the slot `zero`."""
        is_hidden = np.isin(self.slots, list(hidden))
        return ObservationLayout(
            names=self.names,
            slots=np.where(is_hidden, zero, self.slots).astype(np.int32),
            offset=np.where(is_hidden, 0.0, self.offset),
            scale=np.where(is_hidden, 1.0, self.scale),
        )


def _device_entries(agent: PowerGridAgent, prefix: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return (name, slot name) of everything observed of an agent's devices."""
    return [
        (f"{prefix[device_id]}.{field}", f"{agent.agent_id}/{device_id}.{feature}.{field}")
        for device_id, device in agent.devices.items()
        for feature, field in device.observed_fields()
    ]


def _grid_entries(agent: PowerGridAgent) -> list[tuple[str, str]]:
    """Return (name, slot name) of the own grid, the market, the clock and the forecast."""
    owner = agent.agent_id
    entries = [
        ("grid.v_min", "bus_voltages.v_min"),
        ("grid.v_max", "bus_voltages.v_max"),
        ("grid.max_line_loading", "line_flows.max_loading"),
        ("grid.total_load_MW", "grid.total_load_MW"),
        ("price", "market.price"),
    ]
    entries += [(name, f"clock.{name}") for name in agent.state.clock.names()]
    for series in FORECASTS:
        n_step = len(getattr(agent.state.forecast, series))
        entries += [(f"forecast.{series}[{k}]", f"forecast.{series}[{k}]") for k in range(n_step)]
    return [(name, f"{owner}.{slot}") for name, slot in entries]


def _bus_entries(agent: PowerGridAgent) -> list[tuple[str, str]]:
    return [
        (f"bus[{k}].vm_pu", f"{agent.agent_id}.bus_voltages.vm_pu[{k}]")
        for k in range(len(agent.state.bus_voltages.vm_pu))
    ]


def agent_layouts(
    agents: Sequence[PowerGridAgent],
    table: FeatureTable,
    *,
    is_uniform: bool,
    has_bus_voltages: bool = False,
    is_normalized: bool = False,
) -> dict[str, ObservationLayout]:
    """Build the observation layout of every agent.

    Own layout: per device in configuration order what its kind shows, then the own grid, price,
    clock and forecast, then the own buses if wanted. Uniform layout: the same with the devices'
    entries under slot names ("ESS0.soc") over the union of all agents' kinds, zero where an agent
    has no such device, and a one-hot of the agent at the end.
    """
    slot_of = {name: k for k, name in enumerate(table.slot_names)}
    rows: dict[str, list[tuple[str, str]]] = {}
    if not is_uniform:
        for agent in agents:
            rows[agent.agent_id] = _device_entries(agent, {d: d for d in agent.devices})
    else:
        own = {a.agent_id: dict(_device_entries(a, kind_slots(a.devices))) for a in agents}
        union: dict[str, dict[str, None]] = {}  # names by device slot, both in order of appearance
        for slot_of_entry in own.values():
            for name in slot_of_entry:
                union.setdefault(name.split(".")[0], {})[name] = None
        order = [name for names in union.values() for name in names]
        for agent_id, slot_of_entry in own.items():
            rows[agent_id] = [(name, slot_of_entry.get(name, ZERO)) for name in order]
    n_bus = max((len(a.state.bus_voltages.vm_pu) for a in agents), default=0)
    layouts = {}
    for agent in agents:
        entries = rows[agent.agent_id] + _grid_entries(agent)
        if has_bus_voltages:
            buses = _bus_entries(agent)
            entries += buses
            if is_uniform:
                entries += [(f"bus[{k}].vm_pu", ZERO) for k in range(len(buses), n_bus)]
        if is_uniform:
            entries += [
                (f"is[{other.agent_id}]", ONE if other is agent else ZERO) for other in agents
            ]
        scaling = [
            _scaling(name, agent.base_power)
            if is_normalized and slot not in (ZERO, ONE)
            else (0, 1)
            for name, slot in entries
        ]
        layouts[agent.agent_id] = ObservationLayout(
            names=[name for name, _ in entries],
            slots=np.array([slot_of[slot] for _, slot in entries], dtype=np.int32),
            offset=np.array([offset for offset, _ in scaling], dtype=np.float64),
            scale=np.array([scale for _, scale in scaling], dtype=np.float64),
        )
    return layouts


def _scaling(name: str, base_power: float) -> tuple[float, float]:
    field = name.split(".")[-1].split("[")[0]
    if field in POWER_FIELDS:
        return 0.0, base_power
    return SCALING.get("max_loading" if field == "max_line_loading" else field, (0.0, 1.0))
