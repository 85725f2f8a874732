"""Price of energy: what the dearest unit that must run costs, and the accidents of a market.

The region's load minus its solar and wind fleets is met by units in order of their cost. Sunny
middays and windy nights are cheap, the hours after sunset are dear. On top come slow changes of
the fuel price, outages, water and imports that flatten some days, and short spikes and dips at
hours that no clock tells.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.interpolate import PchipInterpolator

from powergrid.data.dataset import FloatArray
from powergrid.data.generate import clock
from powergrid.data.generate.areas import Area
from powergrid.data.generate.streams import stream, uniform
from powergrid.data.noise import red_noise

PRICE_MIN = 1.0  # [$/MWh]
#: Ratings of the region's fleets over its highest load.
SOLAR_FLEET, WIND_FLEET = 0.52, 0.42
#: Cost of the marginal unit [$/MWh] over the load that is left for it, in p.u. of the highest:
#: surplus sun and wind, hydro and nuclear, then gas from the best to the oldest turbines.
SUPPLY_LOAD = (-0.40, 0.00, 0.12, 0.24, 0.34, 0.44, 0.54, 0.64, 0.76, 0.95, 1.30)
SUPPLY_COST = (1.0, 4.0, 16.0, 40.0, 54.0, 64.0, 78.0, 100.0, 138.0, 200.0, 300.0)


def net_load(
    areas: tuple[Area, ...],
    load: Mapping[str, FloatArray],
    solar: Mapping[str, FloatArray],
    wind: Mapping[str, FloatArray],
) -> FloatArray:
    """Return what sun and wind leave to the other units, p.u. of the highest load."""
    return sum(
        (
            area.weight
            * (load[area.name] - SOLAR_FLEET * solar[area.name] - WIND_FLEET * wind[area.name])
            for area in areas
        ),
        start=np.zeros(clock.N_HOUR),
    )


def regional_price(seed: int, net: FloatArray) -> FloatArray:
    """Return the price of the region, $/MWh, before spikes, ``(N_HOUR,)``."""
    rng = stream(seed, "price", "region")
    outages = 0.07 * red_noise(rng, clock.N_HOUR, 36.0)
    marginal = PchipInterpolator(SUPPLY_LOAD, SUPPLY_COST)(net + outages)
    winter = np.maximum(-clock.summer(), 0.0)
    fuel = np.exp(0.20 * red_noise(rng, clock.N_HOUR, 24.0 * 18) + 0.16 * winter - 0.02)
    # Stored water and imports take the shape out of some days: about one in six is almost flat.
    rank = uniform(red_noise(rng, clock.N_HOUR, 30.0))
    shape = np.clip(0.25 + 2.2 * (rank - 0.08), 0.25, 1.15)
    level = _centred_day_mean(marginal)
    flattened = level + shape * (marginal - level)
    # Dispatch errors: quick, and larger where the stack is steep.
    errors = np.exp(0.13 * shape * red_noise(rng, clock.N_HOUR, 1.6))
    return np.asarray(fuel * np.maximum(flattened, 2.0) * errors, dtype=np.float64)


def area_price(seed: int, area: Area, regional: FloatArray, net: FloatArray) -> FloatArray:
    """Return the price in an area, $/MWh, at least 1, ``(N_HOUR,)``."""
    rng = stream(seed, "price", area.name)
    congestion = np.exp(0.06 * red_noise(rng, clock.N_HOUR, 10.0))
    price = area.basis * regional * congestion
    # Tight hours break more often, but any hour can.
    tight = np.clip((net - 0.2) / 0.5, 0.0, 1.0)
    spike = _bursts(stream(seed, "spike", area.name), 0.005 + 0.016 * tight, 2.0)
    price = price + 55.0 * spike
    # A closed line or a gust of surplus sends the price to the bottom for a few hours.
    dip = _bursts(stream(seed, "dip", area.name), np.full(clock.N_HOUR, 0.010), 3.0)
    price = price / (1.0 + 1.6 * dip)
    return np.maximum(price, PRICE_MIN)


def _bursts(rng: np.random.Generator, start: FloatArray, mean_h: float) -> FloatArray:
    """Draw bursts that begin with probability `start` in an hour; height about 1 (lognormal).

    A burst lasts a geometric number of hours with mean `mean_h`.
    """
    begins = np.flatnonzero(rng.random(clock.N_HOUR) < start)
    heights = np.exp(0.45 * rng.standard_normal(begins.size))
    lengths = rng.geometric(1.0 / mean_h, begins.size)
    level = np.zeros(clock.N_HOUR)
    for begin, height, length in zip(begins, heights, lengths, strict=True):
        level[begin : begin + length] = np.maximum(level[begin : begin + length], height)
    return level


def _centred_day_mean(values: FloatArray) -> FloatArray:
    """Return the mean over the 25 hours around each hour, wrapping at the ends."""
    padded = np.concatenate([values[-12:], values, values[:12]])
    return np.convolve(padded, np.full(25, 1.0 / 25.0), mode="valid")
