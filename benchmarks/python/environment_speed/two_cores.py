"""What a second core is worth here at all: two loops at once that share nothing."""

from __future__ import annotations

import threading
import time

from numba import njit

__all__ = ["gain_of_second_core"]


@njit(nogil=True)
def _loop(n: int) -> float:
    x = 1.0
    for _ in range(n):
        x = x * 1.0000001 + 1e-9
    return x


def gain_of_second_core(n: int = 60_000_000) -> float:
    """Return how many times as much two threads get done as one, in time on the wall."""
    _loop(1)
    began = time.perf_counter()
    _loop(n)
    alone = time.perf_counter() - began
    threads = [threading.Thread(target=_loop, args=(n,)) for _ in range(2)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 2.0 * alone / (time.perf_counter() - began)
