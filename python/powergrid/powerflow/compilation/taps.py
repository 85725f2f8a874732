"""Tap changers of two-winding transformers.

pandapower multiplies the rated voltage of the changer's winding by |m| and turns the phase by
arg m, with m = 1 + n step exp(j angle) and n the steps from neutral; an ideal phase shifter turns
by n times its angle. A second changer (``tap2_*``) is fixed at its position, as are those of
three-winding transformers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from powergrid.powerflow.compilation.internal import InternalModel, column

__all__ = ["tap_arrays"]

RATIO, SHIFTER = 0, 1  # TapKind


def tap_arrays(model: InternalModel, tap_pos: Any) -> dict[str, Any]:
    """Return the tap fields of NetworkData, one row a transformer.

    Parameters
    ----------
    model
        With every changer in its neutral position.
    tap_pos : ndarray, (n_trafo,)
        Positions to begin with; NaN is neutral, as in pandapower.
    """
    trafo = model.net.trafo
    n = len(trafo)
    kind = trafo["tap_changer_type"].to_numpy() if n else np.zeros(0, object)
    side = trafo["tap_side"].to_numpy() if n else np.zeros(0, object)
    neutral = column(trafo, "tap_neutral")
    percent = column(trafo, "tap_step_percent", 0.0)
    degree = column(trafo, "tap_step_degree", 0.0)
    is_shifter = kind == "Ideal"
    is_ratio = (kind == "Ratio") | (kind == "Symmetrical")
    is_to = side == "lv"
    rows = model.branches("trafo")
    has_changer = (
        (is_to | (side == "hv"))
        & np.isfinite(neutral)
        & ((is_shifter & (degree != 0.0)) | (is_ratio & (percent != 0.0)))
        & np.asarray(model.ppci["internal"]["branch_is"], bool)[rows]
    )
    neutral = np.where(has_changer, neutral, 0.0)
    # A shifter on the low side turns the other way, and has no other effect than one on the high.
    angle = np.where(is_shifter & is_to, -degree, degree)
    return {
        "tap_branch": np.where(has_changer, np.arange(rows.start, rows.start + n), -1).astype(
            np.int32
        ),
        "tap_is_to": (has_changer & is_ratio & is_to).astype(np.uint8),
        "tap_kind": np.where(has_changer & is_shifter, SHIFTER, RATIO).astype(np.uint8),
        "tap_neutral": neutral,
        "tap_step": np.where(has_changer & is_ratio, percent / 100.0, 0.0),
        "tap_angle_degree": np.where(has_changer, angle, 0.0),
        "tap_pos": np.where(np.isfinite(tap_pos), tap_pos, neutral),
    }
