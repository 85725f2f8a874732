"""Configuration of disturbances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, get_args

from pydantic import Field, field_validator, model_validator

from heron.errors import ConfigError
from powergrid.core.config import StrictModel

__all__ = ["KINDS", "DisturbanceConfig", "DurationConfig", "Kind", "check_synchronous"]

Kind = Literal[
    "load_spike", "generator_trip", "line_outage", "switch_outage", "tap_stuck",
    "communication_outage",
]  # fmt: skip

KINDS: tuple[str, ...] = get_args(Kind)
"""Kinds of disturbances, in the order of everything that counts them."""


class DurationConfig(StrictModel):
    """How long a disturbance lasts [s]: always `mean_s`, or drawn anew for each.

    "exponential" has the mean `mean_s`, "uniform" spreads evenly from `low_s` to `high_s`.
    """

    distribution: Literal["fixed", "exponential", "uniform"] = "exponential"
    mean_s: float | None = Field(default=None, gt=0.0)
    low_s: float | None = Field(default=None, ge=0.0)
    high_s: float | None = Field(default=None, gt=0.0)

    @model_validator(mode="after")
    def _says_what_it_needs(self) -> DurationConfig:
        is_uniform = self.distribution == "uniform"
        needed = {"low_s", "high_s"} if is_uniform else {"mean_s"}
        given = {name for name in ("mean_s", "low_s", "high_s") if getattr(self, name) is not None}
        if given != needed:
            raise ValueError(
                f"a duration that is {self.distribution} takes {' and '.join(sorted(needed))}, got "
                f"{' and '.join(sorted(given)) or 'neither'}"
            )
        if self.low_s is not None and self.high_s is not None and self.low_s > self.high_s:
            raise ValueError(f"low_s ({self.low_s}) exceeds high_s ({self.high_s})")
        return self


class DisturbanceConfig(StrictModel):
    """A disturbance, or a series of them.

    With `at_s` it is scripted: from that time of the episode on [s], for `duration_s`, in every
    episode, it strikes all its targets. With `rate_per_h` disturbances come as a Poisson process:
    so many an hour on average, each of which strikes one of the targets, drawn evenly.

    `duration_s` is a number [s] or a `DurationConfig`; without it a scripted one lasts to the end
    of the episode.

    ==================== ============================ =============================================
    kind                 targets (all, if not given)  what happens
    ==================== ============================ =============================================
    load_spike           grids, "MG1"                 their loads are multiplied by `size`
    generator_trip       devices, "MG1/gen1"          out of service: injects nothing, cannot start
    line_outage          lines, by name or number     open at both ends
    switch_outage        closed switches, the same    open
    tap_stuck            "MG1/reg1", or regulators    does not move
                         by name
    communication_outage agents, "MG1" (all but          what they send is lost
                         devices), "MG1/ess1"
    ==================== ============================ =============================================

    `size` is a factor of at least 0, for a series also ``[low, high]``, drawn evenly. Only load
    spikes have one.
    """

    synonyms: ClassVar[Mapping[str, str]] = {"target": "targets"}

    kind: Kind
    targets: tuple[str | int, ...] | None = None
    at_s: float | None = Field(default=None, ge=0.0)
    rate_per_h: float | None = Field(default=None, gt=0.0)
    duration_s: DurationConfig | None = None
    size: tuple[float, float] | None = None

    @field_validator("targets", mode="before")
    @classmethod
    def _one_target_is_a_list_of_one(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str | int) else value

    @field_validator("targets")
    @classmethod
    def _targets_differ(cls, value: tuple[str | int, ...] | None) -> tuple[str | int, ...] | None:
        if value is None:
            return None
        if not value:
            raise ValueError("there are none; leave the key out for all that the kind can strike")
        twice = sorted({str(name) for name in value if value.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} is named twice")
        return value

    @field_validator("duration_s", mode="before")
    @classmethod
    def _a_number_is_a_fixed_duration(cls, value: Any) -> Any:
        if isinstance(value, int | float):
            return {"distribution": "fixed", "mean_s": value}
        return value

    @field_validator("size", mode="before")
    @classmethod
    def _a_number_is_a_range_of_one(cls, value: Any) -> Any:
        return (value, value) if isinstance(value, int | float) else value

    @model_validator(mode="after")
    def _consistent(self) -> DisturbanceConfig:
        if (self.at_s is None) == (self.rate_per_h is None):
            raise ValueError(
                "give at_s [s] for one that comes once, or rate_per_h for those that come by chance"
            )
        duration, size = self.duration_s, self.size
        if self.rate_per_h is not None and duration is None:
            raise ValueError("with rate_per_h it needs duration_s: a number [s] or a distribution")
        is_drawn = duration is not None and duration.distribution != "fixed"
        if self.at_s is not None and is_drawn:
            raise ValueError("with at_s, duration_s is a number [s]")
        if (size is not None) != (self.kind == "load_spike"):
            raise ValueError(
                "a load_spike needs size, the factor on the loads"
                if size is None
                else f"a {self.kind} has no size"
            )
        if size is not None:
            if not 0.0 <= size[0] <= size[1]:
                raise ValueError(f"size is {list(size)}, expected a factor or a range, from 0 on")
            if self.at_s is not None and size[0] != size[1]:
                raise ValueError("with at_s, size is one number")
        return self


def check_synchronous(configs: Sequence[DisturbanceConfig], name: str) -> None:
    """Raise ConfigError for what a synchronous step, which loses no message, cannot suffer."""
    if any(config.kind == "communication_outage" for config in configs):
        raise ConfigError(
            f"{name}: disturbances: a communication_outage acts by events, and a synchronous step "
            f"loses no message; run the environment by events"
        )
