"""Line-drop compensation: what the relay of a step-voltage regulator measures and asks for.

The relay sees the regulated voltage minus the drop over a model (r + jx) of the feeder, and asks
for one tap step whenever that lies outside the band around its set-point. See W. H. Kersting,
*Distribution System Modeling and Analysis*, the chapter on voltage regulation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heron.errors import InvalidArgumentError

__all__ = ["BASE_VOLT", "line_drop_step", "relay_voltage"]

BASE_VOLT = 120.0
"""Relays are set on this base [V]: 120 V stand for the nominal phase-to-neutral voltage."""


def relay_voltage(
    v_re_pu: NDArray[np.float64],
    v_im_pu: NDArray[np.float64],
    i_re_a: NDArray[np.float64],
    i_im_a: NDArray[np.float64],
    r_volt: NDArray[np.float64],
    x_volt: NDArray[np.float64],
    ct_primary_a: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the voltage at each relay [V on the 120 V base]: |120 v - (r + jx) i / ct|.

    All arrays have shape (n_regulator,). `v` is the regulated side's phase-to-neutral voltage
    [p.u.] and `i` the line current through the regulator, positive towards the load [A], both as
    complex phasors in one reference frame. `r_volt` and `x_volt` are the compensator settings
    [V at rated current], `ct_primary_a` the current transformer's rated primary current [A].
    """
    # Written in real parts, in the order of the compiled twin, so that both give the same bits.
    i_re = i_re_a / ct_primary_a
    i_im = i_im_a / ct_primary_a
    re = v_re_pu * BASE_VOLT - (r_volt * i_re - x_volt * i_im)
    im = v_im_pu * BASE_VOLT - (r_volt * i_im + x_volt * i_re)
    magnitude: NDArray[np.float64] = np.sqrt(re * re + im * im)
    return magnitude


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
    """Return the tap step that each relay asks for: -1 above its band, +1 below, else 0.

    Voltages are compared rounded to 1e-6 p.u., so that two power flows which agree to better than
    that move the same taps. A step beyond `tap_min` or `tap_max`, counted from the rounded
    position, is not taken. A NaN setting (a transformer without a relay) gives 0.

    Parameters
    ----------
    v_re_pu, v_im_pu, i_re_a, i_im_a, r_volt, x_volt, ct_primary_a
        As for `relay_voltage`.
    tap, tap_min, tap_max
        Position, which may be fractional, and its ends, in steps; +1 raises the voltage.
    v_set_volt, bandwidth_volt
        Centre and full width of the band [V on the 120 V base].

    Returns
    -------
    ndarray of int8, shape (n_regulator,)

    Raises
    ------
    InvalidArgumentError
        If the arrays are not all one-dimensional and of one length.

    Examples
    --------
    >>> one = np.ones(1)
    >>> line_drop_step(0.98 * one, 0 * one, 0 * one, 0 * one, 5 * one, 122 * one, 2 * one,
    ...                0 * one, 0 * one, one, -16 * one, 16 * one)
    array([1], dtype=int8)
    """
    arrays = {
        "v_re_pu": v_re_pu,
        "v_im_pu": v_im_pu,
        "i_re_a": i_re_a,
        "i_im_a": i_im_a,
        "tap": tap,
        "v_set_volt": v_set_volt,
        "bandwidth_volt": bandwidth_volt,
        "r_volt": r_volt,
        "x_volt": x_volt,
        "ct_primary_a": ct_primary_a,
        "tap_min": tap_min,
        "tap_max": tap_max,
    }
    n_regulator = len(v_re_pu)
    for name, array in arrays.items():
        if array.shape != (n_regulator,):
            raise InvalidArgumentError(
                f"{name} has shape {array.shape}, expected ({n_regulator},): "
                "one value per regulator"
            )
    relay = _micro_pu(relay_voltage(v_re_pu, v_im_pu, i_re_a, i_im_a, r_volt, x_volt, ct_primary_a))
    is_high = relay > _micro_pu(v_set_volt + bandwidth_volt / 2.0)
    is_low = ~is_high & (relay < _micro_pu(v_set_volt - bandwidth_volt / 2.0))
    position = np.rint(tap)
    can_lower = position - 1.0 >= tap_min
    can_raise = position + 1.0 <= tap_max
    step: NDArray[np.int8] = (is_low & can_raise).astype(np.int8)
    step -= (is_high & can_lower).astype(np.int8)
    return step


def _micro_pu(volt: NDArray[np.float64]) -> NDArray[np.float64]:
    """Express volts on the 120 V base in whole millionths of a p.u."""
    micro: NDArray[np.float64] = np.rint(volt / BASE_VOLT * 1e6)
    return micro
