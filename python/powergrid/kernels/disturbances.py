"""Kernels of disturbances: when they come, which are in force, what they do to lanes.

Where a lane's events stand: ``start_s[e, lane]``, ``end_s``, ``struck`` and ``size`` hold the events
of all series, those of series s in the places ``begin[s] .. begin[s + 1] - 1`` in order of their
start, of which ``n_event[s, lane]`` are used. `struck` is a row of the arrays over targets.
"""

from __future__ import annotations

import math

import numpy as np

from powergrid.kernels.jit import F64, I32, kernel, lanes

__all__ = ["FIXED", "EXPONENTIAL", "UNIFORM", "draw_series", "find_in_force", "multiply_rows"]

FIXED, EXPONENTIAL, UNIFORM = range(3)  # distributions of durations
