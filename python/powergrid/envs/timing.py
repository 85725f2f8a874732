"""Configuration of event-driven runs: who ticks how often, what is late, and what gets lost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from heron.errors import ConfigError, nearest
from heron.messaging.faults import MessageFaults, Outage
from heron.scheduling.tick_config import MIN_TICK_INTERVAL_S, JitterType, TickConfig
from powergrid.core.config import StrictModel

if TYPE_CHECKING:
    from powergrid.agents.power_grid_agent import PowerGridAgent

__all__ = [
    "FaultsConfig",
    "Hierarchy",
    "OutageConfig",
    "TickSettings",
    "TimingConfig",
    "TimingSeeds",
    "hierarchy_of",
    "n_snapshot",
]

MASK = 2**64 - 1
TAIL = 8.0  # standard deviations of a delay beyond which none is expected


class TickSettings(StrictModel):
    """Timing of an agent, in seconds; see `heron.scheduling.TickConfig`.

    Without `tick_interval` the agent ticks once a step of the environment.
    """

    tick_interval: float | None = Field(default=None, ge=MIN_TICK_INTERVAL_S)
    obs_delay: float = Field(default=0.0, ge=0.0)
    act_delay: float = Field(default=0.0, ge=0.0)
    msg_delay: float = Field(default=0.0, ge=0.0)
    jitter_type: Literal["none", "uniform", "gaussian"] = "none"
    jitter_ratio: float = Field(default=0.1, ge=0.0)
    min_delay: float = Field(default=0.0, ge=0.0)
    seed: int | None = Field(default=None, ge=0)

    def tick_config(self, step_s: float) -> TickConfig:
        """Return it for an environment of this step [s]."""
        config = TickConfig(
            step_s if self.tick_interval is None else self.tick_interval,
            self.obs_delay,
            self.act_delay,
            self.msg_delay,
            JitterType(self.jitter_type),
            self.jitter_ratio,
            self.min_delay,
        )
        if self.seed is not None:
            config.seed(self.seed)
        return config


class OutageConfig(StrictModel):
    """A span [s] of every episode in which what `sender`, or without one everybody, sends is lost.

    It has no end if none is given.
    """

    start: float = Field(ge=0.0)
    end: float | None = Field(default=None, gt=0.0)
    sender: str | None = None


class FaultsConfig(StrictModel):
    """What befalls messages on their way; see `heron.messaging.MessageFaults`."""

    loss: float = Field(default=0.0, ge=0.0, le=1.0)
    duplication: float = Field(default=0.0, ge=0.0, le=1.0)
    reordering: float = Field(default=0.0, ge=0.0, le=1.0)
    reordering_delay: float = Field(default=0.0, ge=0.0)
    outages: list[OutageConfig] = Field(default_factory=list)

    def message_faults(self) -> MessageFaults:
        """Return them, senders by name."""
        return MessageFaults(
            loss=self.loss,
            duplication=self.duplication,
            reordering=self.reordering,
            reordering_delay=self.reordering_delay,
            outages=tuple(
                Outage(o.start, math.inf if o.end is None else o.end, o.sender)
                for o in self.outages
            ),
        )


class TimingConfig(StrictModel):
    """Timing of event-driven runs, by level: `coordinator` decides, `field` is every device.

    `system` is the agent above the coordinators, if there is one; `agents` has exceptions by name,
    "MG1" or "MG1/ess1". An agent that was made with a `tick_config` of its own keeps it.
    """

    system: TickSettings = Field(default_factory=TickSettings)
    coordinator: TickSettings = Field(default_factory=TickSettings)
    field: TickSettings = Field(default_factory=TickSettings)
    agents: dict[str, TickSettings] = Field(default_factory=dict)
    faults: FaultsConfig = Field(default_factory=FaultsConfig)


@dataclass(frozen=True)
class Hierarchy:
    """Who is who in an event-driven run: coordinators, each followed by its devices.

    Attributes
    ----------
    paths : list[str]
        "MG1", "MG1/ess1", ...
    owner : list[int]
        Number of the agent above; -1 for coordinators.
    configs : list[TickConfig]
        Timing of each.
    """

    paths: list[str]
    owner: list[int]
    configs: list[TickConfig]

    def with_offers(self, step_s: float) -> Hierarchy:
        """Return it with somebody behind all others who takes each coordinator's offers.

        What arrived by the start of an interval [s, `step_s` long] takes effect at that moment.
        """
        leaders = [k for k, of in enumerate(self.owner) if of < 0]
        return Hierarchy(
            [*self.paths, *(f"{self.paths[k]}/market" for k in leaders)],
            [*self.owner, *leaders],
            [*self.configs, *(TickConfig(step_s) for _ in leaders)],
        )

    def faults(self, config: FaultsConfig) -> MessageFaults:
        """Return what befalls messages, senders by number.

        Raises
        ------
        ConfigError
            If an outage names nobody.
        """
        faults = config.message_faults()
        for outage in faults.outages:
            if outage.sender is not None and outage.sender not in self.paths:
                raise ConfigError(nearest(outage.sender, self.paths, kind="sender of an outage"))
        number = {path: k for k, path in enumerate(self.paths)}
        outages = [replace(o, sender=number.get(str(o.sender))) for o in faults.outages]
        return replace(faults, outages=tuple(outages))


def hierarchy_of(
    agents: Mapping[str, PowerGridAgent], timing: TimingConfig, step_s: float
) -> Hierarchy:
    """Return coordinators and devices with their timing.

    Raises
    ------
    ConfigError
        If the configuration names an agent that there is not, or an agent was made with a
        `TickConfig` that draws from a generator of its own.
    """
    paths: list[str] = []
    owner: list[int] = []
    configs: list[TickConfig] = []
    for name, agent in agents.items():
        number = len(paths)
        for path, member, of in [
            (name, agent, -1),
            *((f"{name}/{d}", device, number) for d, device in agent.devices.items()),
        ]:
            level = timing.coordinator if of < 0 else timing.field
            config = timing.agents.get(path, level).tick_config(step_s)
            if path not in timing.agents and member.tick_config != TickConfig():
                config = member.timing(step_s)
            if config.rng is not None:
                raise ConfigError(
                    f"{path}: its TickConfig draws from a generator of its own, which no "
                    f"environment can repeat; give it a seed instead"
                )
            paths.append(path)
            owner.append(of)
            configs.append(config)
    for path in timing.agents:
        if path not in paths:
            raise ConfigError("timing: " + nearest(path, paths, kind="agent"))
    return Hierarchy(paths, owner, configs)


class TimingSeeds:
    """Seeds of the delays and losses of one episode after the other; nothing is drawn for them.

    They are the numbers that SplitMix64 (Steele, Lea and Flood, 2014) makes from a state that
    follows from how `generator` was seeded: making a `SeedSequence` for each episode would take a
    tenth of the time of a step by events, where all lanes begin together.

    Parameters
    ----------
    generator : Generator
        The lane's.
    """

    def __init__(self, generator: np.random.Generator) -> None:
        self.generator = generator
        parent = generator.bit_generator.seed_seq
        assert isinstance(parent, np.random.SeedSequence)
        key = (*parent.spawn_key, 0)
        child = np.random.SeedSequence(parent.entropy, spawn_key=key, pool_size=parent.pool_size)
        self._state = int(child.generate_state(1, np.uint64)[0])
        self._n_episode = 0

    def next(self) -> int:
        """Return the seed of the next episode, of 63 bits."""
        self._n_episode += 1
        return self.of_episode(self._n_episode - 1)

    def of_episode(self, episode: int) -> int:
        """Return the seed of the episode of that number since the generator was made."""
        z = (self._state + (episode + 1) * 0x9E3779B97F4A7C15) & MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return (z ^ (z >> 31)) >> 1


def n_snapshot(configs: Iterable[TickConfig], step_s: float, n_step: int) -> int:
    """Return how many snapshots reach back to what these agents observe; 0 if all see the present.

    Delays rarer than `TAIL` are not counted. There is one to spare, for times are rounded, but no
    more than an episode of `n_step` steps has.
    """
    reach_s = max(map(_longest_obs_delay_s, configs), default=0.0)
    return math.ceil(min(reach_s / step_s + 2.0, n_step + 1)) if reach_s > 0.0 else 0


def _longest_obs_delay_s(config: TickConfig) -> float:
    if config.jitter_type is JitterType.NONE:
        return config.obs_delay
    spread = 1.0 if config.jitter_type is JitterType.UNIFORM else TAIL
    return max(config.obs_delay * (1.0 + spread * config.jitter_ratio), config.min_delay)
