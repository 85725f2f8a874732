"""Independent random streams, and mixing what is drawn from them."""

from __future__ import annotations

import zlib

import numpy as np
from scipy.special import ndtr

from powergrid.data.dataset import FloatArray


def stream(seed: int, *names: str) -> np.random.Generator:
    """Return the random generator of a purpose, keyed by the seed and by names.

    A stream depends on nothing else, so an area or a kind can be added without changing the
    numbers of the others.
    """
    key = tuple(zlib.crc32(name.encode()) for name in names)
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=key)))


def shared(common: FloatArray, own: FloatArray, correlation: float) -> FloatArray:
    """Mix a regional and a local series of variance 1 into one of variance 1."""
    return np.asarray(
        np.sqrt(correlation) * common + np.sqrt(1.0 - correlation) * own, dtype=np.float64
    )


def uniform(normal: FloatArray) -> FloatArray:
    """Map standard normal values to uniform ones in (0, 1), keeping their order."""
    return np.asarray(ndtr(normal), dtype=np.float64)
