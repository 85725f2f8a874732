"""CVXPY, which is an extra, and the cones that the relaxation is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

try:
    import cvxpy
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "the branch-flow relaxation needs CVXPY: pip install 'heron[optimization]'"
    ) from error

__all__ = ["cp", "flat", "norm_within", "product_covers"]

cp: Any = cvxpy  # its types say that every value may be missing


def flat(expression: Any) -> Any:
    """Return all entries of an expression, column by column."""
    return cp.vec(expression, order="F")


def product_covers(a: Any, b: Any, parts: Sequence[Any]) -> Any:
    """Return ``sum of part^2 <= a b`` with a, b >= 0, entry by entry, as second-order cones.

    It is ``|(2 part, ..., a - b)| <= a + b``.
    """
    rows = [2.0 * flat(part) for part in parts]
    return cp.SOC(flat(a + b), cp.vstack([*rows, flat(a - b)]), axis=0)


def norm_within(parts: Sequence[Any], bound: Any) -> Any:
    """Return ``sum of part^2 <= bound^2`` with bound >= 0, entry by entry."""
    return cp.SOC(flat(bound), cp.vstack([flat(part) for part in parts]), axis=0)
