"""Keep a feeder within its limit by prices alone: operator, coordinators and devices.

Every device decides for itself, by the price that its coordinator passes on: batteries charge below
what stored energy is worth to them and discharge above, units run while they earn. At the market
price alone all batteries charge in the same cheap hours, and the feeder carries too much. So the
operator adds a price of its own for each hour, found by dual ascent on the day ahead: it rises
where the feeder would carry more than its limit, and falls where there is room.

    python examples/03_price_coordination.py
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from heron.core.policies import Policy
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.setups.loader import load_setup

DAY = 190  # of the test year
LIMIT_MW = 1.36  # what the head of the feeder is to carry
STEP, N_ROUND = 20.0, 16  # of the ascent: $/MWh for each MW too much, and how often
WORTH = (42.0, 46.0, 50.0, 54.0)  # of the energy in each battery [$/MWh]
SELL_RATIO = 0.9  # of the shipped setup: what the utility pays, as a share of what it takes
LOWEST, HIGHEST = 0.0, 150.0  # prices that a coordinator may say [$/MWh]


class HourlyPrices(Policy):
    """The operator's policy: what it adds in each hour but the first, known a day ahead."""

    def __init__(self) -> None:
        self.prices = np.zeros(24)
        self.hour = 0

    def reset(self) -> None:
        """Begin a day; the first price is that of the second hour."""
        self.hour = 0

    def forward(self, observation: Any) -> float:
        """Return the price of the next hour [$/MWh]."""
        self.hour += 1
        return float(self.prices[self.hour % 24])


@dataclass
class Day:
    """What a day came to, hour by hour."""

    price: np.ndarray  # that devices respond to [$/MWh]
    feeder_mw: np.ndarray  # at the head of the feeder
    cost: float  # of all microgrids [$], the operator's price included
    to_operator: float  # of that, what the operator gets [$]

    @property
    def excess_mwh(self) -> float:
        """Energy above the limit."""
        return float(np.maximum(self.feeder_mw - LIMIT_MW, 0.0).sum())


def make_env() -> MultiAgentMicrogrids:
    """Return the shipped setup, in one price area, with devices that answer prices."""
    config = copy.deepcopy(load_setup("ieee34_ieee13"))
    config["dso_config"]["protocol"] = "price_signal"
    worth = iter(WORTH)
    for microgrid in config["microgrid_configs"]:
        microgrid["load_area"] = "BANC"
        microgrid["protocol"] = {
            "name": "price_signal",
            "lowest_price": LOWEST,
            "highest_price": HIGHEST,
        }
        for device in microgrid["devices"]:
            if device["type"] == "ESS":
                device["energy_value"] = next(worth)
    return MultiAgentMicrogrids({**config, "train": False})


def live(env: MultiAgentMicrogrids) -> Day:
    """Live through the day; every coordinator says the price that it sees."""
    observations, _ = env.reset(seed=0, options={"day": DAY})
    seen = {name: env.observation_names(name).index("price") for name in env.agents}
    said = {name: env.action_names(name).index("PriceSignal0.price") for name in env.agents}
    price, feeder_mw, cost, to_operator, added = [], [], 0.0, 0.0, 0.0
    while env.agents:
        actions = {}
        price.append(float(observations["MG1"][seen["MG1"]]))
        for name in env.agents:
            actions[name] = np.zeros(env.action_space(name).shape, np.float32)
            share = (observations[name][seen[name]] - LOWEST) / (HIGHEST - LOWEST)
            actions[name][said[name]] = 2.0 * share - 1.0
        observations, *_, infos = env.step(actions)
        feeder_mw.append(env.get_power_grid_metrics()["source_p_mw"])
        for info in infos.values():
            cost += info["cost"]
            to_operator += added * (
                info["energy_bought_mwh"] - SELL_RATIO * info["energy_sold_mwh"]
            )
        added = env.system_agent.action
    return Day(np.array(price), np.array(feeder_mw), cost, to_operator)


def main(folder: str = "outputs", n_round: int = N_ROUND) -> tuple[Day, Day, np.ndarray]:
    """Coordinate, print and plot; return the day without and with the operator's prices."""
    env = make_env()
    policy = HourlyPrices()
    env.system_agent.policy = policy
    days, tried = [live(env)], [policy.prices.copy()]
    for k in range(n_round):
        excess = days[-1].feeder_mw - LIMIT_MW
        # Steps get shorter, since devices answer by jumps.
        policy.prices = np.maximum(policy.prices + STEP / (1.0 + 0.1 * k) * excess, 0.0)
        tried.append(policy.prices.copy())
        days.append(live(env))
    best = min(range(len(days)), key=lambda k: (days[k].excess_mwh, days[k].cost))
    alone, led, prices = days[0], days[best], tried[best]
    print(f"the feeder is to carry {LIMIT_MW} MW    highest   hours above   MWh above     cost")
    for name, day in (("market price alone", alone), (f"led, after round {best}", led)):
        n_above = int((day.feeder_mw > LIMIT_MW + 1e-6).sum())
        print(
            f"{name:24s} {day.feeder_mw.max():14.3f} MW {n_above:10d} {day.excess_mwh:12.3f} "
            f"{day.cost:8.2f} $, {day.to_operator:.2f} $ of it to the operator"
        )
    path = Path(folder) / "03_price_coordination.png"
    plot(alone, led, prices, path)
    print(f"the day: {path}")
    return alone, led, prices


def plot(alone: Day, led: Day, prices: np.ndarray, path: Path) -> None:
    """Draw what the feeder carries, and the prices that make it so."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 6.0), layout="constrained")
    power, money = figure.subplots(2, 1, sharex=True)
    hour = np.arange(24)
    power.step(hour, alone.feeder_mw, where="mid", label="market price alone")
    power.step(hour, led.feeder_mw, where="mid", label="with the operator's price")
    power.axhline(LIMIT_MW, color="black", linestyle="--", linewidth=0.8, label="limit")
    power.set(ylabel="head of the feeder [MW]")
    power.legend()
    money.bar(hour, prices, color="tab:orange", label="the operator's price")
    money.step(hour, alone.price, where="mid", label="market price")
    money.set(xlabel="hour", ylabel="price [$/MWh]")
    money.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
