"""Run one microgrid alone for a summer day: devices, power flow, cost and limits, hour by hour.

The IEEE 13-bus feeder with a generator, a battery, a solar plant and a tap changer is fed from its
external grid at the market price. A rule of thumb decides: the battery charges in the cheapest six
hours and discharges in the dearest six, the generator runs while the price exceeds its cost, and
the tap changer answers the last hour's voltages.

    python examples/01_single_microgrid_basic.py
"""

from __future__ import annotations

from typing import Any

import numpy as np

from heron.protocols.vertical import SetpointProtocol
from powergrid.agents.power_grid_agent import PowerGridAgent
from powergrid.data.shipped import shipped_dataset
from powergrid.networks.ieee13 import IEEE13Bus

DAY, AREA = 190, "BANC"  # of the test year; 10 July
FUEL_PRICE = 55.0  # marginal cost of the generator [$/MWh]

CONFIG: dict[str, Any] = {
    "name": "MG1",
    "load_scale": 0.8,
    "devices": [
        {
            "type": "Generator",
            "name": "gen1",
            "bus": "Bus 671",
            "p_max_MW": 0.8,
            "q_max_MVAr": 0.4,
            "cost_curve_coefs": [0.0, FUEL_PRICE, 0.0],
        },
        {
            "type": "ESS",
            "name": "ess1",
            "bus": "Bus 675",
            "e_capacity_MWh": 2.0,
            "p_max_MW": 0.5,
            "p_min_MW": -0.5,
            "degradation_cost": 2.0,
        },
        {"type": "SolarPlant", "name": "pv1", "bus": "Bus 680", "p_rated_MW": 0.6},
        {"type": "Transformer", "name": "reg1", "transformer": "REG1"},
        {"type": "Grid", "name": "grid"},
    ],
}

ROW = (
    "{hour:4.0f} {price:6.1f} {load:5.2f} {gen:5.2f} {pv:5.2f} {battery:8.2f} {soc:5.2f} "
    "{bought:7.2f} {v_min:6.3f} {v_max:6.3f} {tap:4.0f} {cost:7.2f} {safety:7.3f}"
)


def main() -> list[dict[str, float]]:
    """Step through the day, print it, and return one row for each hour."""
    day = {
        kind: areas[AREA][24 * DAY : 24 * (DAY + 1)]
        for kind, areas in shipped_dataset()["test"].items()
    }
    net = IEEE13Bus("MG1")
    agent = PowerGridAgent(net, CONFIG, SetpointProtocol())
    agent.add_dataset(day)
    names = agent.action_layout.names
    print(f"{agent.agent_id}: {len(net.bus)} buses, devices {', '.join(agent.devices)}")
    print(f"an action has {len(names)} entries in [-1, 1]: {', '.join(names)}\n")
    print("hour  price  load   gen    pv  battery   soc  import  v_min  v_max  tap    cost  safety")
    print("     $/MWh    MW    MW    MW       MW           MW   p.u.   p.u.            $")

    rank = np.argsort(np.argsort(day["price"]))  # 0 is the cheapest hour
    rows = []
    for hour, price in enumerate(day["price"]):
        action = agent.idle_action()
        action[names.index("ess1.p")] = -1.0 if rank[hour] < 6 else 1.0 if rank[hour] >= 18 else 0.0
        action[names.index("gen1.p")] = 1.0 if price > FUEL_PRICE else -1.0
        voltages = agent.state.bus_voltages
        move = -1.0 if voltages.v_max > 1.05 else 1.0 if voltages.v_min < 0.96 else 0.0
        action[names.index("reg1.tap")] = move  # one of three equal bins: lower, keep, raise
        agent.step(action)
        rows.append(_row(agent, hour, price))
        print(ROW.format(**rows[-1]))

    weakest = net.res_bus["vm_pu"].idxmin()
    busiest = net.res_line["loading_percent"].idxmax()
    print(f"\nthe day cost {sum(row['cost'] for row in rows):.2f} $")
    print(
        f"last hour: lowest voltage {net.res_bus.at[weakest, 'vm_pu']:.4f} p.u. at "
        f"{net.bus.at[weakest, 'name']}, highest loading "
        f"{net.res_line.at[busiest, 'loading_percent']:.0f} % of {net.line.at[busiest, 'name']}, "
        f"line losses {1e3 * net.res_line['pl_mw'].sum():.1f} kW"
    )
    return rows


def _row(agent: PowerGridAgent, hour: int, price: float) -> dict[str, float]:
    state, devices = agent.state, agent.devices
    return {
        "hour": hour,
        "price": price,
        "load": state.grid.total_load_MW,
        "gen": devices["gen1"].state.electrical.p_MW,
        "pv": devices["pv1"].state.electrical.p_MW,
        "battery": devices["ess1"].state.electrical.p_MW + 0.0,  # no -0.00
        "soc": devices["ess1"].state.storage.soc,
        "bought": agent.energy_bought_mwh - agent.energy_sold_mwh,
        "v_min": state.bus_voltages.v_min,
        "v_max": state.bus_voltages.v_max,
        "tap": devices["reg1"].state.tap.tap,
        "cost": agent.cost,
        "safety": agent.safety,
    }


if __name__ == "__main__":
    main()
