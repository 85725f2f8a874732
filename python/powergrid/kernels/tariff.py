"""Adding the operator's price to that of the market, the twin of `powergrid.agents.tariff`."""

from __future__ import annotations

from powergrid.kernels.jit import F64, I32, kernel, lanes

__all__ = ["add_tariff"]

HOUR_S = 3600.0


@kernel
def add_tariff(
    x: F64,
    price_slot: I32,
    forecast_slot: I32,
    n_forecast: int,
    by_hour: F64,
    signal: F64,
    week_s: F64,
    offset_s: F64,
    first: int,
    last: int,
) -> None:
    """Add to prices and their forecasts.

    Parameters
    ----------
    x : (n_slot, n_lane)
        Feature table; written in rows `price_slot`, and `n_forecast` rows from each of
        `forecast_slot` on.
    by_hour : (24,)
        What is added by rule in each hour of the day [$/MWh].
    signal : (n_lane,)
        What the operator adds in the interval that begins now; nothing is known of later ones.
    week_s : (n_lane,)
        Time since a Monday midnight [s].
    offset_s : (n_forecast or more,)
        How much later entries of a forecast are [s].
    """
    n_hour = by_hour.shape[0]
    for lane in lanes(first, last):
        now = by_hour[int(week_s[lane] / HOUR_S) % n_hour] + signal[lane]
        for k in range(price_slot.shape[0]):
            x[price_slot[k], lane] += now
        for j in range(n_forecast):
            then = by_hour[int((week_s[lane] + offset_s[j]) / HOUR_S) % n_hour]
            for k in range(forecast_slot.shape[0]):
                x[forecast_slot[k] + j, lane] += now if j == 0 else then
