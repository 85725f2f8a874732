"""Reading an agent's observation by name, in physical units."""

from __future__ import annotations

import numpy as np

from powergrid.agents.action_layout import kind_slots
from powergrid.envs.networked_grid_env import NetworkedGridEnv

__all__ = ["ObservationReader"]


class ObservationReader:
    """Look up an agent's observation by the names of its entries.

    Works for own and for uniform layouts, normalised or not.

    Parameters
    ----------
    env : NetworkedGridEnv
        Whose layout it is.
    agent : str
        Whose observation it is.

    Attributes
    ----------
    names : list[str]
        Of the entries.
    forecast_dt_h : float
        Time from one entry of a forecast to the next [h].
    """

    def __init__(self, env: NetworkedGridEnv, agent: str) -> None:
        member = env.agent_dict[agent]
        layout = member.observation_layout
        if layout is None:
            raise ValueError(f"agent '{agent}' has no observation layout yet")
        self.names = list(layout.names)
        self._offset, self._scale = layout.offset, layout.scale
        self._row = {name: row for row, name in enumerate(self.names)}
        self._slot = kind_slots(member.devices)
        self.forecast_dt_h = env.config.forecast_dt_h
        self._series: dict[str, np.ndarray] = {}
        self._values = np.zeros(len(self.names))

    def read(self, observation: np.ndarray) -> None:
        """Take over an observation, (n_obs,), or those of many lanes, (n, n_obs)."""
        self._values = np.asarray(observation, dtype=np.float64) * self._scale + self._offset

    def __getitem__(self, name: str) -> float:
        """Return the entry of that name."""
        return float(self._values[self._row[name]])

    def column(self, name: str) -> np.ndarray:
        """Return the entry of that name in each lane, (n,)."""
        return self._values[..., self._row[name]]

    def device(self, device_id: str, field: str) -> float:
        """Return a field of a device, whichever way the layout names the device."""
        return self[self._name(device_id, field)]

    def device_column(self, device_id: str, field: str) -> np.ndarray:
        """Return a field of a device in each lane, (n,)."""
        return self.column(self._name(device_id, field))

    def forecast(self, series: str) -> np.ndarray:
        """Return a forecast, (..., n_forecast); entry 0 is the coming interval.

        Of the price, entry 0 is always there: without a forecast it is the present price.
        """
        if series not in self._series:
            rows = [
                r for r, name in enumerate(self.names) if name.startswith(f"forecast.{series}[")
            ]
            if not rows and series == "price":
                rows = [self._row["price"]]
            self._series[series] = np.array(rows, dtype=np.intp)
        values: np.ndarray = self._values[..., self._series[series]]
        return values

    def _name(self, device_id: str, field: str) -> str:
        own = f"{device_id}.{field}"
        return own if own in self._row else f"{self._slot[device_id]}.{field}"
