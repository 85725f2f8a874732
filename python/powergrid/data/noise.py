"""Red noise, the process behind everything that wanders."""

from __future__ import annotations

import math
from itertools import accumulate

import numpy as np

from powergrid.data.dataset import FloatArray


def red_noise(rng: np.random.Generator, n_step: int, memory: float) -> FloatArray:
    """Draw a stationary Gaussian AR(1) series of mean 0 and variance 1.

    Sampled from an Ornstein-Uhlenbeck process, it is exact for any step.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where the draws come from: `n_step` normals.
    n_step : int
        Length.
    memory : float
        Steps after which the correlation has fallen to 1/e.

    Returns
    -------
    numpy.ndarray
        float64, ``(n_step,)``.
    """
    decay = math.exp(-1.0 / memory)
    shocks = rng.standard_normal(n_step)
    # The first value carries the whole variance, so the series is stationary from its start.
    shocks[1:] *= math.sqrt(1.0 - decay**2)
    # A plain loop: 0.1 us a value, and no import of a filter library when an environment runs.
    values = accumulate(shocks.tolist(), lambda last, shock: shock + decay * last)
    return np.fromiter(values, dtype=np.float64, count=n_step)
