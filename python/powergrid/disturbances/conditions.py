"""Conditions that wake agents up: what they look at, and the voltage alarm."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from heron.errors import nearest
from powergrid.core.config import StrictModel

__all__ = ["CONDITIONS", "Condition", "GridView", "VoltageAlarm", "condition_of"]

Array = NDArray[np.float64]


class GridView:
    """What a condition may look at: some lanes at the end of an interval, views.

    Parameters
    ----------
    agents : sequence of str
    slot : callable
        ``slot(name)``: row of a feature, "MG1.bus_voltages.v_min".
    features : ndarray, (n_slot, n_lane)
        All features of these lanes.

    Attributes
    ----------
    agents : list of str
        Along the first axis of whatever is said of agents.
    features
        As given.
    """

    def __init__(self, agents: Sequence[str], slot: Callable[[str], int], features: Array) -> None:
        self.agents, self._slot, self.features = list(agents), slot, features

    @property
    def n_lane(self) -> int:
        """Number of lanes."""
        return int(self.features.shape[1])

    def of_agents(self, feature: str) -> Array:
        """Return a feature of every agent, (n_agent, n_lane): ``of_agents("market.price")``."""
        rows = [self._slot(f"{agent}.{feature}") for agent in self.agents]
        values: Array = self.features[rows]
        return values

    def feature(self, name: str) -> Array:
        """Return a feature by its whole name, (n_lane,): ``feature("MG1/ess1.storage.soc")``."""
        values: Array = self.features[self._slot(name)]
        return values


@runtime_checkable
class Condition(Protocol):
    """Something that wakes agents when it is met.

    It is asked at the end of every interval whose power flow has a solution, for many lanes at
    once, and must depend on what it sees alone: what was before is the business of `cool_down_s`
    and `one_shot`.

    Attributes
    ----------
    name : str
        For infos.
    agents : sequence of str or None
        Whom it may wake; None: all.
    cool_down_s : float
        For how long after waking an agent it does not wake it again [s].
    one_shot : bool
        Whether it wakes an agent once an episode only.

    Examples
    --------
    Wake an agent whose battery is nearly empty:

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class LowCharge:
    ...     name: str = "low_charge"
    ...     agents: tuple[str, ...] | None = ("MG1",)
    ...     cool_down_s: float = 3600.0
    ...     one_shot: bool = False
    ...
    ...     def is_met(self, view):
    ...         soc = view.feature("MG1/ess1.storage.soc")
    ...         return np.array([(name == "MG1") & (soc < 0.2) for name in view.agents])
    >>> isinstance(LowCharge(), Condition)
    True
    """

    name: str
    agents: Sequence[str] | None
    cool_down_s: float
    one_shot: bool

    def is_met(self, view: GridView) -> NDArray[np.bool_]:
        """Return for whom and where it is met, (n_agent, n_lane)."""
        ...


class VoltageAlarm(StrictModel):
    """Wake an agent when a voltage in its grid is below `low_pu` or above `high_pu` [p.u.].

    Either of them may be None. Buses without supply have no voltage, 0, and so are below.
    """

    kind: Literal["voltage_alarm"] = "voltage_alarm"
    name: str = "voltage_alarm"
    low_pu: float | None = Field(default=0.95, ge=0.0)
    high_pu: float | None = Field(default=1.05, ge=0.0)
    agents: tuple[str, ...] | None = None
    cool_down_s: float = Field(default=0.0, ge=0.0)
    one_shot: bool = False

    @model_validator(mode="after")
    def _has_a_threshold(self) -> VoltageAlarm:
        if self.low_pu is None and self.high_pu is None:
            raise ValueError("a voltage_alarm needs low_pu or high_pu")
        if self.low_pu is not None and self.high_pu is not None and self.low_pu > self.high_pu:
            raise ValueError(f"low_pu ({self.low_pu}) exceeds high_pu ({self.high_pu})")
        return self

    def is_met(self, view: GridView) -> NDArray[np.bool_]:
        """Return where the extremes of an agent's voltages are beyond the thresholds."""
        met = np.zeros((len(view.agents), view.n_lane), np.bool_)
        if self.low_pu is not None:
            met |= view.of_agents("bus_voltages.v_min") < self.low_pu
        if self.high_pu is not None:
            met |= view.of_agents("bus_voltages.v_max") > self.high_pu
        return met


CONDITIONS: dict[str, type[StrictModel]] = {"voltage_alarm": VoltageAlarm}
"""Conditions by the kind that a configuration names."""


def condition_of(value: Any) -> Any:
    """Return a condition from a configuration's entry: a mapping with its kind, or one itself.

    Raises
    ------
    ValueError
        If it is neither, or its kind is unknown.
    """
    if isinstance(value, Mapping):
        kind = value.get("kind")
        if kind not in CONDITIONS:
            raise ValueError(nearest(kind, CONDITIONS, kind="kind of condition"))
        return CONDITIONS[kind].model_validate(dict(value))
    if not isinstance(value, Condition):
        missing = [
            name
            for name in ("name", "agents", "cool_down_s", "one_shot", "is_met")
            if not hasattr(value, name)
        ]
        raise ValueError(
            f"expected a mapping with a kind, or a powergrid.disturbances.Condition; "
            f"{type(value).__name__} lacks {', '.join(missing)}"
        )
    return value
