"""Add a device kind that is as fast as the built-in ones: a fuel cell with a hydrogen tank.

A kind is written twice. Its hooks say in plain Python what it does; they are what a single device,
a notebook or the reference environment runs. Its kernels say the same for all environments of a
batch at once. `check_kernels` holds one to the other. docs/devices.md goes through this file.

    python examples/09_fuel_cell.py
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box

from heron.core.feature import FeatureBlock
from powergrid.agents.device_agent import DeviceAgent, DeviceConfig
from powergrid.agents.kernel_check import check_kernels
from powergrid.agents.registry import DEVICE_REGISTRY
from powergrid.core.config import parse_config
from powergrid.core.features.electrical import ElectricalBasePh
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.kernels.device_kernels import DeviceKernels
from powergrid.kernels.jit import kernel, lanes
from powergrid.setups.loader import load_setup

DAY = 200  # of the training year: dear in the evening

# --- data -----------------------------------------------------------------------------------------

MWH_PER_KG = 0.0333  # lower heating value of hydrogen


class FuelCellConfig(DeviceConfig):
    """What a configuration may say of a fuel cell."""

    p_max_MW: float = 0.2
    ramp_MW_per_h: float = 0.1
    efficiency: float = 0.5  # electric energy out / heating value in
    h2_init_kg: float = 50.0  # in the tank when an episode begins
    h2_reserve_kg: float = 10.0  # what should stay in it
    h2_price: float = 2.0  # [$/kg]
    ramp_cost: float = 5.0  # wear of a change of power [$/MW]


@dataclass
class TankBlock(FeatureBlock):
    """Hydrogen store of a fuel cell."""

    visibility = ("owner", "upper_level")

    h2_kg: float = 0.0  # hydrogen in the tank [kg]


# --- kernels --------------------------------------------------------------------------------------

ACTIVE, H2 = 0, 1
P_MAX, RAMP, EFFICIENCY, H2_INIT, H2_RESERVE, H2_PRICE, RAMP_COST = range(7)


@kernel
def start(x, slot, p, m, starting):
    """Fill the tanks."""
    for d in range(slot.shape[0]):
        for lane in starting:
            x[slot[d, H2], lane] = p[H2_INIT, d, lane]


@kernel
def set_point(x, slot, p, m, action, dt_h, first, last):
    """Follow the action as fast as the ramp, and as far as the hydrogen, allows."""
    for d in range(slot.shape[0]):
        active, h2 = slot[d, ACTIVE], slot[d, H2]
        for lane in lanes(first, last):
            before = x[active, lane]
            wanted = min(max(action[0, d, lane], 0.0), 1.0) * p[P_MAX, d, lane]
            reach = p[RAMP, d, lane] * dt_h[d, lane]
            p_mw = min(max(wanted, before - reach), before + reach)
            p_mw = min(p_mw, x[h2, lane] * MWH_PER_KG * p[EFFICIENCY, d, lane] / dt_h[d, lane])
            x[active, lane] = p_mw
            m[0, d, lane] = abs(p_mw - before)


@kernel
def advance(x, slot, p, m, measured, dt_h, first, last):
    """Burn hydrogen."""
    for d in range(slot.shape[0]):
        active, h2 = slot[d, ACTIVE], slot[d, H2]
        for lane in lanes(first, last):
            burnt_kg = x[active, lane] * dt_h[d, lane] / (MWH_PER_KG * p[EFFICIENCY, d, lane])
            x[h2, lane] = max(x[h2, lane] - burnt_kg, 0.0)


@kernel
def cost_safety(x, slot, p, m, dt_h, cost, safety, first, last):
    """Book hydrogen and wear; safety is the part of the reserve that is missing."""
    for d in range(slot.shape[0]):
        active, h2 = slot[d, ACTIVE], slot[d, H2]
        for lane in lanes(first, last):
            kg_per_h = x[active, lane] / (MWH_PER_KG * p[EFFICIENCY, d, lane])
            cost[0, d, lane] = p[H2_PRICE, d, lane] * kg_per_h
            cost[1, d, lane] = p[RAMP_COST, d, lane] * m[0, d, lane] / dt_h[d, lane]
            reserve = p[H2_RESERVE, d, lane]
            safety[d, lane] = max(reserve - x[h2, lane], 0.0) / reserve


KERNELS = DeviceKernels(
    fields=("electrical.p_MW", "tank.h2_kg"),
    parameters=(
        "p_max_MW",
        "ramp_MW_per_h",
        "efficiency",
        "h2_init_kg",
        "h2_reserve_kg",
        "h2_price",
        "ramp_cost",
    ),
    memory=("ramped_MW",),
    cost_parts=("fuel", "wear"),
    start=start,
    set_point=set_point,
    advance=advance,
    cost_safety=cost_safety,
)

# --- hooks ----------------------------------------------------------------------------------------


class FuelCell(DeviceAgent):
    """A fuel cell: the action is the wanted share, 0 to 1, of its greatest power."""

    kernels: ClassVar = KERNELS

    def __init__(
        self, agent_id: str, device_state_config: Mapping[str, Any], **kwargs: Any
    ) -> None:
        super().__init__(agent_id, device_state_config=device_state_config, **kwargs)
        self.config = parse_config(FuelCellConfig, self._config, f"FuelCell '{agent_id}'")
        self.state.add_feature("electrical", ElectricalBasePh())
        self.state.add_feature("tank", TankBlock(h2_kg=self.config.h2_init_kg))
        self._ramped_mw = 0.0

    def get_action_space(self) -> Box:
        """Return the share; agents' actions in [-1, 1] are mapped to it."""
        return Box(low=0.0, high=1.0, shape=(1,), dtype=np.float32)

    def kernel_parameters(self) -> list[float]:
        """Return the values of KERNELS.parameters."""
        return [getattr(self.config, name) for name in KERNELS.parameters]

    def set_device_action(self, action: np.ndarray) -> None:
        """Follow the action as fast as the ramp, and as far as the hydrogen, allows."""
        config, electrical, tank = self.config, self.state.electrical, self.state.tank
        before = electrical.p_MW
        wanted = min(max(float(action[0]), 0.0), 1.0) * config.p_max_MW
        reach = config.ramp_MW_per_h * self.dt
        p_mw = min(max(wanted, before - reach), before + reach)
        p_mw = min(p_mw, tank.h2_kg * MWH_PER_KG * config.efficiency / self.dt)
        electrical.p_MW = p_mw
        self._ramped_mw = abs(p_mw - before)

    def update_state(self, net_results: Mapping[str, float] | None = None, dt: float = 1.0) -> None:
        """Burn hydrogen."""
        tank = self.state.tank
        burnt_kg = self.state.electrical.p_MW * dt / (MWH_PER_KG * self.config.efficiency)
        tank.h2_kg = max(tank.h2_kg - burnt_kg, 0.0)

    def update_cost_safety(self) -> None:
        """Book hydrogen and wear; safety is the part of the reserve that is missing."""
        config = self.config
        kg_per_h = self.state.electrical.p_MW / (MWH_PER_KG * config.efficiency)
        self.cost_parts = {
            "fuel": config.h2_price * kg_per_h,
            "wear": config.ramp_cost * self._ramped_mw / self.dt,
        }
        self.cost = sum(self.cost_parts.values())
        missing = max(config.h2_reserve_kg - self.state.tank.h2_kg, 0.0)
        self.safety = missing / config.h2_reserve_kg

    def reset_device(self) -> None:
        """Fill the tank."""
        super().reset_device()
        self._ramped_mw = 0.0


class PlainFuelCell(FuelCell):
    """The same without kernels: its hooks are called, one environment after the other."""

    kernels: ClassVar = None


# --- use ------------------------------------------------------------------------------------------


def main() -> dict[str, list[tuple[float, float, float]]]:
    """Run a day with either form; return (power, hydrogen, MG1's cost) by hour."""
    check_kernels(FuelCell("cell", {"bus": "Bus 675"}))
    DEVICE_REGISTRY["FuelCell"] = FuelCell
    DEVICE_REGISTRY["PlainFuelCell"] = PlainFuelCell
    runs = {kind: run_day(kind) for kind in ("FuelCell", "PlainFuelCell")}
    print("        power   hydrogen   MG1's cost")
    for hour, (power, hydrogen, cost) in enumerate(runs["FuelCell"]):
        print(f"{hour:02d}:00 {power:5.3f} MW {hydrogen:7.1f} kg {cost:10.2f} $")
    same = runs["FuelCell"] == runs["PlainFuelCell"]
    print(f"kernels and plain hooks give the same day: {same}")
    return runs


def run_day(kind: str) -> list[tuple[float, float, float]]:
    """Play a day in which the fuel cell runs when a MWh costs more than 100 $."""
    config = load_setup("ieee34_ieee13")
    config["microgrid_configs"][0]["devices"].append(
        {"type": kind, "name": "cell", "bus": "Bus 675"}
    )
    env = MultiAgentMicrogrids(config)
    env.reset(seed=0, options={"day": DAY})
    agent = env.agent_dict["MG1"]
    cell = agent.devices["cell"]
    row = next(i for i, name in enumerate(env.action_names("MG1")) if name.startswith(kind))
    rows = []
    while env.agents:
        actions = {agent_id: env.idle_action(agent_id) for agent_id in env.agents}
        actions["MG1"][row] = 1.0 if agent.state.market.price > 100.0 else -1.0
        *_, infos = env.step(actions)
        rows.append((cell.state.electrical.p_MW, cell.state.tank.h2_kg, infos["MG1"]["cost"]))
    return rows


if __name__ == "__main__":
    main()
