"""The processor's clock, measured: what the system says of it is often the nominal one."""

from __future__ import annotations

import time

import numpy as np
from numba import njit

__all__ = ["clock_ghz"]

CYCLES = 5  # of shift (1), exclusive or (1) and multiplication (3), each waiting for the last


@njit
def _chain(x: np.uint64, factor: np.uint64, n: int) -> np.uint64:
    for _ in range(n):
        x = (x ^ (x >> np.uint64(1))) * factor
    return x


def clock_ghz(n: int = 5_000_000) -> float:
    """Return the clock [GHz] by a chain of operations whose latencies are known."""
    x, factor = np.uint64(1), np.uint64(0x9E3779B97F4A7C15)
    _chain(x, factor, 1)
    best = float("inf")
    for _ in range(5):
        began = time.process_time_ns()
        _chain(x, factor, n)
        best = min(best, time.process_time_ns() - began)
    return CYCLES * n / best
