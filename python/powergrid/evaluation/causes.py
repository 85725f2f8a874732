"""The causes of which timing is made, apart from each other."""

from __future__ import annotations

from collections.abc import Sequence

from powergrid.envs.timing import FaultsConfig, TickSettings, TimingConfig

__all__ = ["split_causes"]

# Fields of `TickSettings` and `FaultsConfig` by cause. Jitter has what shapes its draws.
TICKS = {
    "tick rate": ("tick_interval",),
    "observation delay": ("obs_delay",),
    "action delay": ("act_delay",),
    "message delay": ("msg_delay",),
    "jitter": ("jitter_type", "jitter_ratio", "min_delay"),
}
FAULTS = {
    "loss": ("loss", "outages"),
    "reordering": ("duplication", "reordering", "reordering_delay"),
}


def split_causes(timing: TimingConfig) -> dict[str, TimingConfig]:
    """Return, by the cause's name, timings with one cause each: those that `timing` has.

    "tick rate", "observation delay", "action delay", "message delay", "jitter", "loss" (outages
    included) and "reordering" (duplication included). Jitter alone is that of the tick intervals of
    the environment's step, since a delay of zero never jitters.

    Examples
    --------
    >>> timing = TimingConfig.model_validate(
    ...     {"coordinator": {"obs_delay": 60.0, "msg_delay": 2.0}, "faults": {"loss": 0.1}}
    ... )
    >>> list(split_causes(timing))
    ['observation delay', 'message delay', 'loss']
    """
    nothing = _only(timing, (), ())
    alone = {name: _only(timing, fields, ()) for name, fields in TICKS.items()}
    alone |= {name: _only(timing, (), fields) for name, fields in FAULTS.items()}
    return {name: config for name, config in alone.items() if config != nothing}


def _only(timing: TimingConfig, ticks: Sequence[str], faults: Sequence[str]) -> TimingConfig:
    """Return a timing with these fields, and the seeds, and otherwise the defaults."""

    def settings(of: TickSettings) -> TickSettings:
        return TickSettings(**{name: getattr(of, name) for name in (*ticks, "seed")})

    return TimingConfig(
        system=settings(timing.system),
        coordinator=settings(timing.coordinator),
        field=settings(timing.field),
        agents={path: settings(of) for path, of in timing.agents.items()},
        faults=FaultsConfig(**{name: getattr(timing.faults, name) for name in faults}),
    )
