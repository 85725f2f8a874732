"""What happens inside an hour: factors that move load, sun and wind from minute to minute."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from heron.errors import ConfigError, nearest
from powergrid.data.dataset import FloatArray
from powergrid.data.noise import red_noise

#: Relative standard deviation and memory [s] of the red noise: many customers average out, a
#: small wind plant follows every gust.
RED_NOISE = {"load": (0.015, 900.0), "wind": (0.12, 240.0)}

#: Sun behind broken cloud: shaded a share of the time, for so long at a time [s], at this share
#: of the mean; between the clouds the rest of the energy comes.
SHADED_SHARE, SHADED_S, SHADED_VALUE = 0.30, 150.0, 0.55
CLEAR_VALUE = (1.0 - SHADED_SHARE * SHADED_VALUE) / (1.0 - SHADED_SHARE)

#: Longest inner step [s]; a longer step is the mean over several inner ones.
INNER_STEP_S = 60.0

VARIABLE_KINDS = ("load", "solar", "wind")


def minute_variability(
    kind: str,
    n_step: int,
    step_s: float,
    seed: int | np.random.Generator,
    *,
    strength: ArrayLike = 1.0,
) -> FloatArray:
    """Draw factors, with expected value 1, that turn a smooth profile into a lively one.

    Load and wind follow the exponential of an Ornstein-Uhlenbeck process; sun switches between
    a shaded and a clear state that last exponentially distributed times.

    Parameters
    ----------
    kind : str
        ``load``, ``solar`` or ``wind``.
    n_step : int
        How many factors.
    step_s : float
        Seconds that each one lasts; beyond 60 s a factor is the mean over its step.
    seed : int or numpy.random.Generator
        An integer gives the same factors every time, others for each kind. A generator is drawn
        from.
    strength : float or array
        Multiplies the deviation from 1, one for all or ``(n_step,)``: 0 is none, 1 the usual.
        A clear or a fully covered sky wants 0 for the sun.

    Returns
    -------
    numpy.ndarray
        Factors >= 0, float64, ``(n_step,)``. A factor of the sun reaches 1.19 at strength 1, so
        limit the product to the rating.

    Raises
    ------
    ConfigError
        For an unknown kind, a step that is not positive, a negative number of steps, or a
        strength that is negative.

    Examples
    --------
    >>> factors = minute_variability("wind", 1440, 60.0, 7)
    >>> factors.shape, bool(np.all(factors >= 0.0))
    ((1440,), True)
    """
    if kind not in VARIABLE_KINDS:
        raise ConfigError(f"minute variability: {nearest(kind, VARIABLE_KINDS, kind='kind')}")
    if not (math.isfinite(step_s) and step_s > 0.0) or n_step < 0:
        raise ConfigError(
            f"minute variability of {n_step!r} steps of {step_s!r} s: expected n_step >= 0 and "
            "step_s > 0"
        )
    weight = np.asarray(strength, dtype=np.float64)
    if weight.shape not in ((), (n_step,)) or not np.all(weight >= 0.0):
        raise ConfigError(
            f"strength has shape {weight.shape}, expected one value or ({n_step},), all >= 0"
        )
    if isinstance(seed, np.random.Generator):
        rng = seed
    else:
        rng = np.random.default_rng([seed, VARIABLE_KINDS.index(kind)])
    n_inner = math.ceil(step_s / INNER_STEP_S)
    inner_s = step_s / n_inner
    if kind == "solar":
        fine = _broken_cloud(rng, n_step * n_inner, inner_s)
    else:
        fine = _gusts(rng, n_step * n_inner, inner_s, *RED_NOISE[kind])
    factors = fine.reshape(n_step, n_inner).mean(axis=1)
    return np.asarray(np.maximum(1.0 + weight * (factors - 1.0), 0.0), dtype=np.float64)


def _gusts(
    rng: np.random.Generator, n: int, step_s: float, deviation: float, memory_s: float
) -> FloatArray:
    """Return the exponential of an Ornstein-Uhlenbeck process, mean 1."""
    log_std = math.sqrt(math.log1p(deviation**2))
    # The mean of exp(s x) is exp(s**2 / 2) for a standard normal x.
    noise = red_noise(rng, n, memory_s / step_s)
    return np.asarray(np.exp(log_std * noise - 0.5 * log_std**2), dtype=np.float64)


def _broken_cloud(rng: np.random.Generator, n: int, step_s: float) -> FloatArray:
    """Return the two-state process at the middle of each step, mean 1."""
    clear_s = SHADED_S * (1.0 - SHADED_SHARE) / SHADED_SHARE
    end_s = n * step_s
    is_shaded_first = bool(rng.random() < SHADED_SHARE)
    # Spells alternate; twice as many as are expected, and more until they cover the time.
    spells = np.zeros(0)
    mean_s = np.array([SHADED_S, clear_s] if is_shaded_first else [clear_s, SHADED_S])
    while spells.sum() < end_s:
        pairs = int(end_s / (SHADED_S + clear_s)) + 8
        spells = np.concatenate([spells, (rng.exponential(size=(pairs, 2)) * mean_s).ravel()])
    middle = (np.arange(n) + 0.5) * step_s
    number = np.searchsorted(np.cumsum(spells), middle, side="right")
    is_shaded = (number % 2 == 0) == is_shaded_first
    return np.where(is_shaded, SHADED_VALUE, CLEAR_VALUE)
