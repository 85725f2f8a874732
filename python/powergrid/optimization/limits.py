"""Limits of an optimal power flow, and how those that cannot be kept are named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heron.errors import ConfigError, HeronError, nearest
from powergrid.optimization.convex import cp

UPPER_LIMITS = ("relaxed", "lossless")

__all__ = ["UPPER_LIMITS", "InfeasibleError", "LimitBook", "OpfLimits"]

SHOWN = 3  # violations that an error names
SEEN = 1e-5  # smaller ones are the solver's rounding


@dataclass(frozen=True)
class OpfLimits:
    """What voltages and currents must keep.

    Attributes
    ----------
    v_min_pu, v_max_pu : float or ndarray, (n_bus,)
        Voltage band; buses whose voltage is held are free of it.
    loading_percent : float
        Largest loading of lines and transformers, as the power flow has it; infinite for none.
    upper : str
        Which voltage `v_max_pu` is put on. "relaxed": that of the relaxation, which can lower it by
        currents that do not flow, and so is not exact where the limit binds. "lossless": that of
        the network without losses, which lies above the real one. No imagined current lowers it, so
        that the relaxation stays exact, for a limit that is a little too strict where losses are
        large (Gan, Li, Topcu and Low, "Exact convex relaxation of optimal power flow in radial
        networks", IEEE Trans. Automatic Control 60(1), 2015, problem OPF-m).
    """

    v_min_pu: float | NDArray[np.float64] = 0.95
    v_max_pu: float | NDArray[np.float64] = 1.05
    loading_percent: float = 100.0
    upper: str = "relaxed"

    def __post_init__(self) -> None:
        if self.upper not in UPPER_LIMITS:
            raise ConfigError(nearest(self.upper, UPPER_LIMITS, kind="upper limit"))


class InfeasibleError(HeronError):
    """No dispatch keeps all limits.

    Attributes
    ----------
    violations : tuple of str
        What the dispatch that comes closest violates, worst first, each with its step.
    """

    def __init__(self, violations: tuple[str, ...]) -> None:
        self.violations = violations
        more = len(violations) - SHOWN
        super().__init__(
            "no dispatch keeps all limits; the one that comes closest violates: "
            + "; ".join(violations[:SHOWN])
            + (f"; and {more} more (see .violations)" if more > 0 else "")
        )


@dataclass
class LimitBook:
    """Collects limits: kept in the problem itself, to be paid for in its elastic form.

    Attributes
    ----------
    is_elastic : bool
        Whether limits may be violated, at a price of 1 for each of their units.
    constraints : list
        What was collected.
    violation : cvxpy expression or float
        Sum of all violations.
    """

    is_elastic: bool = False
    constraints: list[Any] = field(default_factory=list)
    violation: Any = 0.0
    _slacks: list[tuple[Any, Callable[[int, int], str]]] = field(default_factory=list)

    def slack(
        self, shape: tuple[int, int], name: Callable[[int, int], str], *, weight: float = 1.0
    ) -> Any:
        """Return what a limit, (n_row, n_step), may be violated by; 0 unless elastic.

        Parameters
        ----------
        name : callable
            Says, of the solved problem, what is violated in a row and step.
        """
        if not self.is_elastic:
            return 0.0
        slack = cp.Variable(shape, nonneg=True)
        self.violation = self.violation + weight * cp.sum(slack)
        self._slacks.append((slack, name))
        return slack

    def violations(self) -> tuple[str, ...]:
        """Return what the solved problem violates, worst first; of each row the worst step."""
        found = []
        for slack, name in self._slacks:
            worst = slack.value.argmax(axis=1)
            for row, step in enumerate(worst.tolist()):
                if slack.value[row, step] > SEEN:
                    found.append((float(slack.value[row, step]), name(row, step)))
        return tuple(name for _, name in sorted(found, key=lambda each: -each[0]))
