"""Looking for what must not go on."""

from __future__ import annotations

import math
from typing import Any

from powergrid.kernels.jit import kernel

__all__ = ["first_not_finite"]


@kernel
def first_not_finite(values: Any) -> int:
    """Return the index of the first NaN or infinity in a flat array, -1 if there is none."""
    for i in range(values.shape[0]):
        if not math.isfinite(values[i]):
            return i
    return -1
