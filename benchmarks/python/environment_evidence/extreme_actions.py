"""Actions that go where policies seldom do."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["STYLES", "extreme_actions"]

STYLES = ("anywhere", "ends", "held", "swing", "beyond")


def extreme_actions(
    shape: tuple[int, ...], rng: np.random.Generator, style: str
) -> Iterator[NDArray[np.float32]]:
    """Draw actions for ever.

    Parameters
    ----------
    shape
        Of the actions of a step.
    style
        "anywhere": up to 30 % outside the space; "ends": each entry at one of its ends; "held": the
        same ends all along; "swing": from one end to the other in each step; "beyond": as far
        outside as single precision goes.
    """
    held = rng.choice([-1.0, 1.0], shape)
    while True:
        if style == "anywhere":
            action = rng.uniform(-1.3, 1.3, shape)
        elif style == "ends":
            action = rng.choice([-1.0, 1.0], shape)
        elif style == "beyond":
            action = rng.choice([-1.0, 1.0], shape) * 10.0 ** rng.uniform(-3.0, 38.0, shape)
        else:
            action = held
            held = -held if style == "swing" else held
        yield action.astype(np.float32)
