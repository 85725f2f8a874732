"""Colours and symbols of a one-line diagram; paths are about two units wide around the origin."""

from __future__ import annotations

import numpy as np
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

__all__ = ["capacitor", "load", "regulator", "rotated", "source", "transformer"]

COLORMAP = "RdYlBu_r"  # of voltages: low blue, nominal pale yellow, high red
INK, FAINT, PAPER, SOURCE_FACE = "#3a3a3a", "#a8a8a8", "#ffffff", "#fff3cf"
WARNING, ALARM, VIOLATION = "#e69f00", "#d00000", "#c2007a"

# By kind of device; told apart by letter or shape too.
DEVICE_COLORS = {
    "generator": "#b35900",
    "storage": "#1b7a3d",
    "solar": "#a37c00",
    "wind": "#007c91",
    "other": "#5b5b5b",
}
DEVICE_LETTERS = {"generator": "G", "solar": "PV", "wind": "W", "other": "~"}


def rotated(path: Path, degree: float) -> Path:
    """Return `path` turned anticlockwise."""
    return path.transformed(Affine2D().rotate_deg(degree))


def _segments(*ends: tuple[tuple[float, float], tuple[float, float]]) -> Path:
    vertices = [point for pair in ends for point in pair]
    return Path(np.array(vertices), [Path.MOVETO, Path.LINETO] * len(ends))


def transformer() -> Path:
    """Return two interlocked circles, along the x axis."""
    radius = 0.62
    return Path.make_compound_path(
        Path.circle((-0.38, 0.0), radius), Path.circle((0.38, 0.0), radius)
    )


def regulator() -> Path:
    """Return a transformer with the arrow of a tap changer across it."""
    shaft = _segments(((-0.8, -0.95), (0.8, 0.95)))
    head = _segments(((0.8, 0.95), (0.33, 0.75)), ((0.8, 0.95), (0.72, 0.45)))
    return Path.make_compound_path(transformer(), shaft, head)


def source() -> Path:
    """Return the crossed square of an external grid."""
    square = Path(np.array([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)], dtype=float))
    return Path.make_compound_path(square, _segments(((-1, -1), (1, 1)), ((-1, 1), (1, -1))))


def capacitor() -> Path:
    """Return the two plates of a capacitor, its lead along the x axis."""
    return _segments(((-0.25, -0.9), (-0.25, 0.9)), ((0.25, -0.9), (0.25, 0.9)))


def load(degree: float) -> Path:
    """Return the arrow head of a load that points in a direction."""
    return rotated(Path(np.array([(-0.7, -0.8), (0.9, 0.0), (-0.7, 0.8), (-0.7, -0.8)])), degree)
