"""Means over episodes with 95 % intervals, alone and paired by seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

from powergrid.baselines.comparison import Estimate

__all__ = ["mean_interval", "paired_difference"]

CONFIDENCE = 0.95


def mean_interval(values: ArrayLike) -> Estimate:
    """Return the mean and its 95 % interval by Student's t distribution.

    Parameters
    ----------
    values : array, (n,)
        One for each episode; of a single one the interval is infinite.

    Raises
    ------
    ValueError
        If there are none.

    Examples
    --------
    >>> mean_interval([1.0, 1.0, 1.0])
    Estimate(mean=1.0, low=1.0, high=1.0)
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or sample.size == 0:
        raise ValueError(f"values have shape {sample.shape}, expected (n,) with n >= 1")
    mean = float(sample.mean())
    if sample.size == 1:
        return Estimate(mean, -np.inf, np.inf)
    factor = float(student.ppf(0.5 + CONFIDENCE / 2.0, sample.size - 1))
    half = factor * float(sample.std(ddof=1)) / float(np.sqrt(sample.size))
    return Estimate(mean, mean - half, mean + half)


def paired_difference(values: ArrayLike, base: ArrayLike) -> Estimate:
    """Return by how much `values` exceed `base`, (n,) each, episode by episode."""
    return mean_interval(np.subtract(values, base))
