"""What an agent knows of its own grid without observing anything: ratings, limits and costs."""

from __future__ import annotations

from dataclasses import dataclass

from powergrid.agents.generator import Generator, GeneratorConfig
from powergrid.agents.grid import Grid, GridConfig
from powergrid.agents.power_grid_agent import PowerGridAgent
from powergrid.agents.renewable import RenewableConfig, RenewableGenerator
from powergrid.agents.storage import ESS, StorageConfig
from powergrid.agents.transformer import Transformer

__all__ = ["GridModel"]


@dataclass(frozen=True)
class GridModel:
    """Parameters of one agent's devices, by kind and name, and of its load and connection.

    Attributes
    ----------
    load_mw, load_mvar : float
        Consumption at a load multiplier of 1 [MW, Mvar].
    generators, batteries, renewables : dict
        Validated parameters by device.
    tap_changers : tuple of str
        Devices that move taps.
    meter : str or None
        The device that prices the exchange; without one it is free.
    connection : GridConfig
        Price scale and sell ratio of the exchange; a price scale of 0 without a meter.
    s_rated_mva : float or None
        Rating of the connection [MVA].
    others : tuple of str
        Devices of kinds that are not known here.
    """

    load_mw: float
    load_mvar: float
    generators: dict[str, GeneratorConfig]
    batteries: dict[str, StorageConfig]
    renewables: dict[str, RenewableConfig]
    tap_changers: tuple[str, ...]
    meter: str | None
    connection: GridConfig
    s_rated_mva: float | None
    others: tuple[str, ...]

    @classmethod
    def of(cls, agent: PowerGridAgent) -> GridModel:
        """Read the parameters from an agent."""
        devices = agent.devices
        known = (Generator, ESS, RenewableGenerator, Transformer, Grid)
        meter = next((d for d in devices.values() if isinstance(d, Grid)), None)
        return cls(
            load_mw=float(agent.zone.base_load_p_mw.sum()) * agent.load_factor,
            load_mvar=float(agent.zone.base_load_q_mvar.sum()) * agent.load_factor,
            generators={k: d.config for k, d in devices.items() if isinstance(d, Generator)},
            batteries={k: d.config for k, d in devices.items() if isinstance(d, ESS)},
            renewables={
                k: d.config for k, d in devices.items() if isinstance(d, RenewableGenerator)
            },
            tap_changers=tuple(k for k, d in devices.items() if isinstance(d, Transformer)),
            meter=None if meter is None else meter.agent_id,
            connection=GridConfig(price_scale=0.0) if meter is None else meter.config,
            s_rated_mva=None if meter is None else meter.s_rated_mva,
            others=tuple(k for k, d in devices.items() if not isinstance(d, known)),
        )
