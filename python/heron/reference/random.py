"""Counter-based random draws in pure Python: the definition of what the compiled core draws.

Philox 4x64 with ten rounds (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
1, 2, 3", SC11) maps a counter and a key to four 64-bit words. A draw is a function of its number
and of the key (seed, lane, agent, stream) alone, so it is the same in any process, for any number
of lanes and threads.
"""

from __future__ import annotations

import math
from functools import lru_cache

from heron.scheduling.stream import Stream

__all__ = ["Stream", "philox4x64", "random_bits", "random_block", "to_normal", "to_uniform"]

Words = tuple[int, int, int, int]

_MASK = 2**64 - 1


def philox4x64(counter: Words, key: tuple[int, int]) -> Words:
    """Return four random 64-bit words."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        first, second = 0xD2E7470EE14C6C93 * c0, 0xCA5A826395121157 * c2
        c0, c1 = (second >> 64) ^ c1 ^ k0, second & _MASK
        c2, c3 = (first >> 64) ^ c3 ^ k1, first & _MASK
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & _MASK, (k1 + 0xBB67AE8584CAA73B) & _MASK
    return c0, c1, c2, c3


@lru_cache(maxsize=1024)
def random_block(seed: int, lane: int, agent: int, stream: int, block: int) -> Words:
    """Return the draws with numbers 4 * block to 4 * block + 3.

    NumPy makes the same ones in order:
    ``Philox(key=[seed, 0], counter=[0, agent, lane, stream]).random_raw()``.
    """
    return philox4x64(((block + 1) & _MASK, agent, lane, int(stream)), (seed, 0))


def random_bits(seed: int, lane: int, agent: int, stream: int, draw: int) -> int:
    """Return draw number `draw` of a stream, 64 random bits."""
    return random_block(seed, lane, agent, stream, draw // 4)[draw % 4]


def to_uniform(bits: int) -> float:
    """Return a number in [0, 1), of 53 bits, as NumPy's ``Generator.random`` makes it."""
    return (bits >> 11) * 2.0**-53


def to_normal(bits: int) -> float:
    """Return the standard normal quantile of ((bits >> 12) + 0.5) / 2**52.

    By Wichura's algorithm AS 241, Applied Statistics 37 (1988): one draw gives one number.
    """
    p = ((bits >> 12) + 0.5) * 2.0**-52
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        return q * _polynomial(_MIDDLE_TOP, r) / _polynomial(_MIDDLE_BOTTOM, r)
    r = math.sqrt(-math.log(p if q < 0.0 else 1.0 - p))
    if r <= 5.0:
        quantile = _polynomial(_TAIL_TOP, r - 1.6) / _polynomial(_TAIL_BOTTOM, r - 1.6)
    else:
        quantile = _polynomial(_FAR_TAIL_TOP, r - 5.0) / _polynomial(_FAR_TAIL_BOTTOM, r - 5.0)
    return -quantile if q < 0.0 else quantile


def _polynomial(coefficients: tuple[float, ...], x: float) -> float:
    total = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        total = total * x + coefficient
    return total


# fmt: off
_MIDDLE_TOP = (
    3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
    1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
    3.3430575583588128105e4, 2.5090809287301226727e3,
)
_MIDDLE_BOTTOM = (
    1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
    2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
    5.2264952788528545610e3,
)
_TAIL_TOP = (
    1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
    3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
    2.27238449892691845833e-2, 7.74545014278341407640e-4,
)
_TAIL_BOTTOM = (
    1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
    1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
    1.05075007164441684324e-9,
)
_FAR_TAIL_TOP = (
    6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
    2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
    2.71155556874348757815e-5, 2.01033439929228813265e-7,
)
_FAR_TAIL_BOTTOM = (
    1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
    7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
    2.04426310338993978564e-15,
)
# fmt: on
