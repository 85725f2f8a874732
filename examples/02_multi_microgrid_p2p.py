"""Let three microgrids trade with each other: who saves what, and what the market's fee does to it.

The utility pays 40 % of its price for what it takes back, so a surplus is worth more to a neighbour
than to the utility. At the end of every hour surplus and deficit at the meters are matched, at the
midpoint of the utility's two prices; buyer and seller pay a fee each. All act by the same rule of
thumb with and without the market, so the difference is the market's.

    python examples/02_multi_microgrid_p2p.py
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from powergrid.baselines import RuleBasedPolicy
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.setups.loader import load_setup

DAYS = [15, 105, 190, 285]  # of the test year: one of each season
FEES = [0.01, 5.0, 10.0, 20.0]  # [$/MWh], from either side
SELL_RATIO = 0.4
PV_MW = {"MG1": 0.5, "MG2": 0.25}  # much sun here, little there, none but wind in MG3


def make_config(protocol: Any) -> dict[str, Any]:
    """Return the shipped setup, all in one price area, with feed-in that earns little."""
    config = copy.deepcopy(load_setup("ieee34_ieee13"))
    config["dso_config"]["protocol"] = protocol
    for microgrid in config["microgrid_configs"]:
        microgrid["load_area"] = "BANC"
        for device in microgrid["devices"]:
            if device["type"] == "Grid":
                device["sell_ratio"] = SELL_RATIO
            if device["type"] == "SolarPlant":
                device["p_rated_MW"] = device["s_rated_MVA"] = PV_MW[microgrid["name"]]
    return {**config, "train": False}


def hours(protocol: Any) -> Iterator[tuple[float, dict[str, dict[str, Any]]]]:
    """Live through all days; yield the utility's price and the infos of each hour."""
    env = MultiAgentMicrogrids(make_config(protocol))
    policy = RuleBasedPolicy()
    for day in DAYS:
        observations, _ = env.reset(seed=day, options={"day": day})
        policy.reset(env, seed=day)
        while env.agents:
            price = float(env.agent_dict["MG1"].state.market.price)
            observations, *_, infos = env.step(policy.act(env, observations))
            yield price, infos


def main(folder: str = "outputs") -> dict[str, Any]:
    """Compare, print and plot; return costs by agent and energy and fees by fee rate."""
    alone = [infos for _, infos in hours("none")]
    cost = {name: sum(infos[name]["cost"] for infos in alone) for name in alone[0]}
    by_fee = {}
    for fee in FEES:
        told = list(hours({"name": "p2p", "trading_fee": fee}))
        infos_of = [infos for _, infos in told]
        by_fee[fee] = {
            "saved": {n: -sum(i[n]["cost_trade"] for i in infos_of) for n in cost},
            "traded": sum(max(x["energy_traded_mwh"], 0.0) for i in infos_of for x in i.values()),
            "fees": sum(x["trade_fee"] for i in infos_of for x in i.values()),
        }
        if fee == FEES[0]:
            first = told
    print(f"{len(DAYS)} days                       " + "".join(f"{name:>10s}" for name in cost))
    print("cost without trade [$]     " + "".join(f"{value:10.2f}" for value in cost.values()))
    for fee, found in by_fee.items():
        saved = "".join(f"{value:10.2f}" for value in found["saved"].values())
        print(
            f"saved, fee {fee:5.2f} $/MWh     {saved}   "
            f"{found['traded']:6.2f} MWh traded, fees {found['fees']:6.2f} $"
        )
    kept = [sum(x["trade_payment"] - x["trade_fee"] for x in i.values()) for _, i in first]
    energy = [sum(x["energy_traded_mwh"] for x in i.values()) for _, i in first]
    print(
        f"in every hour payments add up to the fees within {np.abs(kept).max():.0e} $, energy to "
        f"zero within {np.abs(energy).max():.0e} MWh"
    )
    path = Path(folder) / "02_multi_microgrid_p2p.png"
    plot(first[48:72], path)
    print(f"the hours of day {DAYS[2]}: {path}")
    return {"cost": cost, "by_fee": by_fee, "hours": first, "plot": path}


def plot(day: list[tuple[float, dict[str, dict[str, Any]]]], path: Path) -> None:
    """Draw who trades with whom, and at which prices."""
    from matplotlib.figure import Figure

    hour, names = np.arange(len(day)), list(day[0][1])
    price = np.array([price for price, _ in day])
    figure = Figure(figsize=(8.0, 6.0), layout="constrained")
    energy, money = figure.subplots(2, 1, sharex=True)
    above, below = np.zeros((2, len(day)))
    for name in names:
        traded = np.array([infos[name]["energy_traded_mwh"] for _, infos in day])
        base = np.where(traded > 0.0, above, below)
        energy.bar(hour, traded, bottom=base, label=name)
        above += np.maximum(traded, 0.0)
        below += np.minimum(traded, 0.0)
    energy.axhline(0.0, color="black", linewidth=0.8)
    energy.set(ylabel="bought from peers [MWh]")
    energy.legend()
    money.step(hour, price, where="mid", label="the utility takes")
    money.step(hour, 0.5 * (1.0 + SELL_RATIO) * price, where="mid", label="peers pay, before fees")
    money.step(hour, SELL_RATIO * price, where="mid", label="the utility pays")
    money.set(xlabel="hour", ylabel="price [$/MWh]")
    money.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
