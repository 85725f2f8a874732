"""What the distribution grid's operator adds to the market price."""

from __future__ import annotations

from powergrid.agents.protocol_config import TariffConfig

__all__ = ["Tariff"]


class Tariff:
    """A price [$/MWh] by hour of the day, and one that the operator says for the next interval.

    Attributes
    ----------
    signal
        What the operator has said last; nothing at the start of an episode.
    """

    def __init__(self, config: TariffConfig) -> None:
        self._by_hour = config.by_hour
        self.signal = 0.0

    def rule(self, week_s: float) -> float:
        """Return what is added by rule at a time since a Monday midnight [s]."""
        return self._by_hour[int(week_s / 3600.0) % len(self._by_hour)]

    def now(self, week_s: float) -> float:
        """Return what is added in the interval that begins now."""
        return self.rule(week_s) + self.signal
