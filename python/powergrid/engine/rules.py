"""What an environment's configuration says about time and pay."""

from __future__ import annotations

from dataclasses import dataclass, field

from powergrid.agents.protocol_config import BetweenMicrogrids, NoProtocolConfig

__all__ = ["Rules"]


@dataclass(frozen=True)
class Rules:
    """Time and pay of an environment.

    Attributes
    ----------
    step_s : float
        Length of a step [s].
    n_forecast, forecast_stride : int
        Entries of each forecast, and steps from one to the next.
    penalty, share_reward, failure_reward, failure_safety
        See `EnvConfig`.
    protocol
        What goes on between the agents.
    """

    step_s: float
    n_forecast: int
    forecast_stride: int
    penalty: float
    share_reward: bool
    failure_reward: float
    failure_safety: float
    protocol: BetweenMicrogrids = field(default_factory=NoProtocolConfig)

    @property
    def dt_h(self) -> float:
        """Length of a step [h]."""
        return self.step_s / 3600.0
