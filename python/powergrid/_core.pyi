"""Types of the compiled core of powergrid."""

import numpy as np
from numpy.typing import NDArray

def line_drop_step(
    v_re_pu: NDArray[np.float64],
    v_im_pu: NDArray[np.float64],
    i_re_a: NDArray[np.float64],
    i_im_a: NDArray[np.float64],
    tap: NDArray[np.float64],
    v_set_volt: NDArray[np.float64],
    bandwidth_volt: NDArray[np.float64],
    r_volt: NDArray[np.float64],
    x_volt: NDArray[np.float64],
    ct_primary_a: NDArray[np.float64],
    tap_min: NDArray[np.float64],
    tap_max: NDArray[np.float64],
) -> NDArray[np.int8]:
    """Return each regulator's tap step, as `powergrid.powerflow.line_drop.line_drop_step` does.

    All arrays have shape (n_regulator,), float64, C-contiguous: anything else is a TypeError, and
    lengths that disagree an InvalidArgumentError. Releases the GIL.
    """
