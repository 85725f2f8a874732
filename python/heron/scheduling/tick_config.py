"""How often an agent ticks and how late it observes, acts and hears."""

from __future__ import annotations

import math
import operator
import secrets
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from heron._core import random_bits, to_normal, to_uniform
from heron.errors import ConfigError, nearest
from heron.scheduling.stream import Stream

if TYPE_CHECKING:
    import numpy as np

__all__ = ["MIN_TICK_INTERVAL_S", "JitterType", "ScheduleConfig", "TickConfig", "check_seed"]

MIN_TICK_INTERVAL_S = 0.001


def check_seed(seed: int) -> int:
    """Return the seed; ConfigError unless it is an integer from 0 to 2**64 - 1."""
    try:
        whole = operator.index(seed)
    except TypeError:
        whole = -1
    if not 0 <= whole < 2**64:
        raise ConfigError(f"seed is {seed!r}; expected an integer from 0 to 2**64 - 1")
    return whole


class JitterType(Enum):
    """Distribution of a drawn interval or delay around its base value."""

    NONE = "none"
    UNIFORM = "uniform"
    GAUSSIAN = "gaussian"


@dataclass
class TickConfig:
    """Timing of one agent, in seconds of simulated time.

    Attributes
    ----------
    tick_interval
        Time between two ticks; at least 1 ms.
    obs_delay, act_delay, msg_delay
        Age of what is observed, time until an action takes effect, and travel time of a message.
    jitter_type
        Distribution of what the ``get_`` methods return. UNIFORM spreads evenly over
        ``base * (1 -+ jitter_ratio)``; GAUSSIAN has the standard deviation
        ``base * jitter_ratio``. A base of zero never jitters.
    jitter_ratio
        Relative size of the jitter.
    min_delay
        Least delay that jitter may leave. Drawn intervals are at least 1 ms.
    rng
        NumPy generator for what the ``get_`` methods draw, in place of the configuration's own
        streams; schedulers and environments refuse it. Without it and without a seed, those draws
        differ from run to run.

    Raises
    ------
    ConfigError
        (a ValueError) if a value is out of range.

    Examples
    --------
    >>> config = TickConfig.with_jitter(tick_interval=60.0, obs_delay=1.0, seed=42)
    >>> 54.0 <= config.get_tick_interval() <= 66.0
    True
    """

    tick_interval: float = 1.0
    obs_delay: float = 0.0
    act_delay: float = 0.0
    msg_delay: float = 0.0
    jitter_type: JitterType = JitterType.NONE
    jitter_ratio: float = 0.1
    min_delay: float = 0.0
    rng: np.random.Generator | None = field(default=None, repr=False, compare=False)
    _seed: int | None = field(default=None, init=False, repr=False)
    _n_drawn: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)
    _random_seed: int | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        kinds = [kind.value for kind in JitterType]
        given: object = self.jitter_type  # by value too
        if not isinstance(given, JitterType) and given not in kinds:
            raise ConfigError(nearest(given, kinds, kind="jitter_type"))
        self.jitter_type = JitterType(self.jitter_type)
        if not self.tick_interval > 0.0:
            raise ConfigError(f"tick_interval must be positive, got {self.tick_interval}")
        if self.tick_interval < MIN_TICK_INTERVAL_S or math.isinf(self.tick_interval):
            raise ConfigError(
                f"tick_interval must be finite and at least {MIN_TICK_INTERVAL_S} s, "
                f"got {self.tick_interval}"
            )
        for name in ("obs_delay", "act_delay", "msg_delay", "jitter_ratio", "min_delay"):
            value = getattr(self, name)
            if not 0.0 <= value < math.inf:
                raise ConfigError(f"{name} must be non-negative, got {value}")

    @classmethod
    def deterministic(
        cls,
        tick_interval: float = 1.0,
        obs_delay: float = 0.0,
        act_delay: float = 0.0,
        msg_delay: float = 0.0,
    ) -> TickConfig:
        """Make a configuration without jitter."""
        return cls(tick_interval, obs_delay, act_delay, msg_delay)

    @classmethod
    def with_jitter(
        cls,
        tick_interval: float = 1.0,
        obs_delay: float = 0.0,
        act_delay: float = 0.0,
        msg_delay: float = 0.0,
        jitter_type: JitterType = JitterType.UNIFORM,
        jitter_ratio: float = 0.1,
        min_delay: float = 0.0,
        seed: int | None = None,
    ) -> TickConfig:
        """Make a configuration with jitter, seeded if a seed is given."""
        config = cls(
            tick_interval, obs_delay, act_delay, msg_delay, jitter_type, jitter_ratio, min_delay
        )
        if seed is not None:
            config.seed(seed)
        return config

    def seed(self, n: int) -> None:
        """Start every stream of draws anew from the seed, an integer from 0 to 2**64 - 1."""
        self._seed = check_seed(n)
        self._n_drawn = {}

    @property
    def own_seed(self) -> int | None:
        """The seed that was given; without one, a scheduler draws from its own."""
        return self._seed

    @property
    def is_seeded(self) -> bool:
        """Whether a seed or a generator was given."""
        return self._seed is not None or self.rng is not None

    def get_tick_interval(self) -> float:
        """Draw the time until the next tick, in seconds."""
        return self._draw("tick_interval", MIN_TICK_INTERVAL_S)

    def get_obs_delay(self) -> float:
        """Draw an observation delay, in seconds."""
        return self._draw("obs_delay", self.min_delay)

    def get_act_delay(self) -> float:
        """Draw an action delay, in seconds."""
        return self._draw("act_delay", self.min_delay)

    def get_msg_delay(self) -> float:
        """Draw a message delay, in seconds."""
        return self._draw("msg_delay", self.min_delay)

    def _draw(self, name: str, floor: float) -> float:
        base: float = getattr(self, name)
        if self.jitter_type is JitterType.NONE or base == 0.0:
            return base
        is_uniform = self.jitter_type is JitterType.UNIFORM
        if self.rng is not None:
            unit = self.rng.uniform(-1.0, 1.0) if is_uniform else self.rng.standard_normal()
        else:
            bits = self._next_bits(name)
            unit = 2.0 * to_uniform(bits) - 1.0 if is_uniform else to_normal(bits)
        return max(floor, float(base * (1.0 + self.jitter_ratio * unit)))

    def _next_bits(self, name: str) -> int:
        if self._random_seed is None:
            self._random_seed = secrets.randbits(64)
        seed = self._random_seed if self._seed is None else self._seed
        number = self._n_drawn.get(name, 0)
        self._n_drawn[name] = number + 1
        return random_bits(seed, 0, 0, Stream[name.upper()], number)


ScheduleConfig = TickConfig
