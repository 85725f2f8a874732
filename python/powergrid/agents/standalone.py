"""A grid agent by itself: its own power flow, hour by hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from powergrid.agents.profile_window import HOUR_S, KINDS, ProfileWindow, area_of_kind
from powergrid.data.profiles import Profiles
from powergrid.powerflow.make import make_power_flow

if TYPE_CHECKING:
    from powergrid.agents.power_grid_agent import PowerGridAgent

__all__ = ["Standalone"]


class Standalone:
    """What an agent needs to be stepped without an environment: a power flow and hourly series.

    Parameters
    ----------
    agent : PowerGridAgent
        Its network is solved.
    profiles : Profiles
        Series of the areas that the agent's configuration names; they repeat when they end.
    power_flow : str
        See `make_power_flow`.
    """

    def __init__(self, agent: PowerGridAgent, profiles: Profiles, power_flow: str) -> None:
        self.flow = make_power_flow(power_flow, agent.net).lane()
        agent.power_flow = self.flow
        self.k = 0
        config = agent.config_model
        area = area_of_kind(config.load_area, config.renew_area)
        n_row = profiles.n_row
        series = {kind: profiles.window(kind, area[kind], 0.0, n_row, HOUR_S) for kind in KINDS}
        agent.set_window(ProfileWindow(series, series, 0.0, HOUR_S, 0))
        self.n_row = n_row

    def step(self, agent: PowerGridAgent, flat: np.ndarray) -> None:
        """Live through one hour with a checked action; RuntimeError if it cannot be solved."""
        before = {name: device.state.to_dict() for name, device in agent.devices.items()}
        row = self.k % self.n_row
        agent.begin_interval(row, 1.0)
        agent.apply_action(flat)
        agent.write_setpoints(self.flow, row)
        if not self.flow.solve():
            for name, device in agent.devices.items():
                device.state.from_dict(before[name])
            raise RuntimeError(
                f"{agent.agent_id}: the power flow of step {self.k} does not converge; the "
                f"set-points ask for more than the network can carry"
            )
        agent.read_results(self.flow, 1.0)
        agent.book(self.flow.result, 1.0)
        self.k += 1
