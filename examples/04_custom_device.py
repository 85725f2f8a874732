"""Add a device kind of your own: a wind turbine whose output an agent may curtail.

A kind is a subclass of `DeviceAgent` that says what an action means and what running costs. Once it
is in `DEVICE_REGISTRY`, a configuration can name it, and the environment places it in the network,
tells it what the wind offers, and gives its entries a place in actions and observations.

    python examples/04_custom_device.py
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from powergrid.agents.device_agent import DeviceAgent
from powergrid.agents.power_grid_agent import DEVICE_REGISTRY
from powergrid.core.features.electrical import ElectricalBasePh
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.setups.loader import load_setup

DAY = 242  # of the training year: calm in the morning, a gale in the evening


@dataclass
class TurbineConfig:
    """Where the turbine stands, how large it is, and what a MWh of its output costs in wear."""

    bus: str
    p_rated_MW: float = 0.3
    wear_cost: float = 4.0


class MyWindTurbine(DeviceAgent):
    """A turbine that injects a share, 0 to 1, of what the wind offers."""

    def __init__(
        self, agent_id: str, device_state_config: Mapping[str, Any], **kwargs: Any
    ) -> None:
        super().__init__(agent_id, device_state_config=device_state_config, **kwargs)
        self.config = TurbineConfig(**device_state_config)
        self.state.add_feature("electrical", ElectricalBasePh())
        # A device that has this attribute is given profile times rating before every action.
        self.available_power = 0.0

    def get_action_space(self) -> Box:
        """Return the share; agents' actions in [-1, 1] are mapped to it."""
        return Box(low=0.0, high=1.0, shape=(1,), dtype=np.float32)

    def idle_action(self) -> np.ndarray:
        """Return what doing nothing means here: inject everything."""
        return np.ones(1)

    def set_device_action(self, action: np.ndarray) -> None:
        """Inject the share."""
        self.state.electrical.p_MW = self.available_power * float(action[0])

    def update_cost_safety(self) -> None:
        """Book wear [$/h] on what is produced; there is no limit to break."""
        self.cost = self.config.wear_cost * self.state.electrical.p_MW
        self.safety = 0.0


def main() -> dict[float, list[tuple[float, float, float]]]:
    """Run a windy day at full and at half output; return (available, injected, cost) by hour."""
    DEVICE_REGISTRY["MyWindTurbine"] = MyWindTurbine
    config = load_setup("ieee34_ieee13")
    config["microgrid_configs"][2]["devices"] = [
        {"type": "MyWindTurbine", "name": "turbine", "bus": "Bus 675", "p_rated_MW": 0.3},
    ]
    env = MultiAgentMicrogrids(config)
    print("MG3 acts on", ", ".join(n for n in env.action_names("MG3") if "Turbine" in n))
    print("MG3 sees", ", ".join(n for n in env.observation_names("MG3") if "Turbine" in n))

    runs = {share: run_day(env, share) for share in (1.0, 0.5)}
    print("\n      wind offers   injected at share 1.0   injected at share 0.5")
    for hour in range(0, env.max_episode_steps, 3):
        full, half = runs[1.0][hour], runs[0.5][hour]
        print(f"{hour:02d}:00 {full[0]:8.3f} MW {full[1]:20.3f} MW {half[1]:20.3f} MW")
    for share, rows in runs.items():
        print(f"share {share}: {sum(row[1] for row in rows):.2f} MWh produced, "
              f"MG3's day cost {sum(row[2] for row in rows):.2f} $")  # fmt: skip
    return runs


def run_day(env: MultiAgentMicrogrids, share: float) -> list[tuple[float, float, float]]:
    """Play a day in which the turbine injects `share`, and everything else rests."""
    env.reset(seed=0, options={"day": DAY})
    turbine = env.agent_dict["MG3"].devices["turbine"]
    row = next(i for i, name in enumerate(env.action_names("MG3")) if "Turbine" in name)
    rows = []
    while env.agents:
        actions = {agent: env.idle_action(agent) for agent in env.agents}
        actions["MG3"][row] = 2.0 * share - 1.0
        offered = turbine.available_power
        *_, infos = env.step(actions)
        rows.append((offered, turbine.state.electrical.p_MW, infos["MG3"]["cost"]))
    return rows


if __name__ == "__main__":
    main()
