"""Which disturbances an episode has, and when."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heron._core import random_bits_of_lanes
from heron.errors import ConfigError
from heron.scheduling.stream import Stream
from powergrid.disturbances.config import KINDS, DisturbanceConfig
from powergrid.disturbances.targets import Target, TargetCatalog

__all__ = ["DisturbanceEvents", "DisturbanceSchedule", "LaneEvents", "Series"]

Array = NDArray[np.float64]
Index = NDArray[np.int32]

DISTRIBUTIONS = (
    "fixed",
    "exponential",
    "uniform",
)  # as powergrid.kernels.disturbances numbers them


@dataclass(frozen=True)
class Series:
    """Disturbances that come as a Poisson process.

    Attributes
    ----------
    number : int
        Place in the configuration; it keys the draws.
    rate_per_s : float
        How many a second.
    distribution : int
        Of the duration: 0 fixed, 1 exponential, 2 uniform.
    first_s, second_s : float
        Its mean twice, or its least and largest value.
    rows : ndarray of int32
        Targets, one of which each strikes.
    low, high : float
        Range of the size.
    n_place : int
        The most that are drawn for one episode.
    """

    number: int
    rate_per_s: float
    distribution: int
    first_s: float
    second_s: float
    rows: Index
    low: float
    high: float
    n_place: int


@dataclass(frozen=True, eq=False)
class DisturbanceEvents:
    """The disturbances of one episode, in the order of their start.

    Attributes
    ----------
    start_s, end_s : ndarray, (n,)
        Seconds since the start of the episode; from `start_s` to before `end_s`, which may be
        infinite.
    row : ndarray of int32, (n,)
        Which of `DisturbanceSchedule.targets`.
    size : ndarray, (n,)
        Factor of a load spike; 1 for the others.
    """

    start_s: Array
    end_s: Array
    row: Index
    size: Array


class LaneEvents:
    """The drawn events of many lanes, as `powergrid.kernels.disturbances` takes them.

    Parameters
    ----------
    series : sequence of Series
    n_lane : int
    """

    def __init__(self, series: Sequence[Series], n_lane: int) -> None:
        self._series = list(series)
        n_place = [one.n_place for one in series]
        self.begin = np.cumsum([0, *n_place]).astype(np.int32)
        shape = (int(self.begin[-1]), n_lane)
        self.start_s, self.end_s, self.size = np.zeros((3, *shape))
        self.struck = np.zeros(shape, np.int32)
        self.n_event, self.head = np.zeros((2, len(series), n_lane), np.int32)

    def draw(self, lanes: NDArray[np.intp], seeds: NDArray[np.uint64], horizon_s: float) -> None:
        """Draw the episodes of some lanes; each depends on its own seed alone."""
        from powergrid.kernels.disturbances import draw_series  # loads Numba

        lane = np.ascontiguousarray(lanes, np.int32)
        key = np.zeros(len(lane), np.uint64)
        for s, one in enumerate(self._series):
            places = slice(self.begin[s], self.begin[s + 1])
            bits = random_bits_of_lanes(seeds, key, one.number, Stream.DISTURBANCE, 4 * one.n_place)
            draw_series(
                bits, lane, one.rate_per_s, horizon_s, one.distribution, one.first_s,
                one.second_s, one.rows, one.low, one.high, self.start_s[places],
                self.end_s[places], self.struck[places], self.size[places], self.n_event[s],
            )  # fmt: skip
            self.head[s, lane] = 0


class DisturbanceSchedule:
    """The disturbances that a configuration asks for.

    Draws are `heron.reference.random`'s, keyed by the seed of the episode and the place of a series
    in the configuration: they are the same in any lane, batch, thread and process, and adding a
    series leaves those before it as they were.

    Parameters
    ----------
    configs : sequence of DisturbanceConfig
    catalog : TargetCatalog
        What there is to strike.
    horizon_s : float
        Length of an episode [s].

    Attributes
    ----------
    targets : tuple of Target
        All that some disturbance may strike, by kind.
    fixed : DisturbanceEvents
        The scripted ones.
    series : tuple of Series
        The others.

    Raises
    ------
    ConfigError
        If a target does not exist.
    """

    def __init__(
        self, configs: Sequence[DisturbanceConfig], catalog: TargetCatalog, horizon_s: float
    ) -> None:
        self.horizon_s = horizon_s
        struck = [_targets(number, config, catalog) for number, config in enumerate(configs)]
        found = {target: None for targets in struck for target in targets}
        self.targets = tuple(sorted(found, key=lambda t: (KINDS.index(t.kind), t.table, t.element)))
        row_of = {target: row for row, target in enumerate(self.targets)}
        fixed: list[tuple[float, float, int, float]] = []
        series = []
        for number, (config, targets) in enumerate(zip(configs, struck, strict=True)):
            rows = np.array([row_of[target] for target in targets], np.int32)
            if config.rate_per_h is not None:
                series.append(_series(number, config, rows, horizon_s))
                continue
            assert config.at_s is not None
            duration = config.duration_s
            lasts_s = math.inf if duration is None or duration.mean_s is None else duration.mean_s
            size = 1.0 if config.size is None else config.size[0]
            fixed += [(config.at_s, config.at_s + lasts_s, int(row), size) for row in rows]
        self.fixed = _events(fixed)
        self.series = tuple(series)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that may come, in the order of `KINDS`."""
        return tuple(kind for kind in KINDS if any(t.kind == kind for t in self.targets))

    def events(self, seed: int) -> DisturbanceEvents:
        """Return all disturbances of the episode with a seed."""
        lane = LaneEvents(self.series, 1)
        lane.draw(np.zeros(1, np.intp), np.array([seed], np.uint64), self.horizon_s)
        return self.events_of(lane, 0)

    def events_of(self, drawn: LaneEvents, lane: int) -> DisturbanceEvents:
        """Return the scripted disturbances and those drawn for a lane."""
        parts = [self.fixed]
        for s in range(len(self.series)):
            first = int(drawn.begin[s])
            used = slice(first, first + int(drawn.n_event[s, lane]))
            parts.append(
                DisturbanceEvents(
                    drawn.start_s[used, lane], drawn.end_s[used, lane], drawn.struck[used, lane],
                    drawn.size[used, lane],
                )
            )  # fmt: skip
        joined = [
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("start_s", "end_s", "row", "size")
        ]
        order = np.argsort(joined[0], kind="stable")
        return DisturbanceEvents(*(values[order] for values in joined))

    def communication_outages(self, events: DisturbanceEvents) -> list[tuple[float, float, str]]:
        """Return start, end [s] and the sender's name of each communication outage."""
        return [
            (start_s, end_s, self.targets[row].name)
            for start_s, end_s, row in zip(
                events.start_s.tolist(), events.end_s.tolist(), events.row.tolist(), strict=True
            )
            if self.targets[row].kind == "communication_outage" and start_s < end_s
        ]


def _targets(number: int, config: DisturbanceConfig, catalog: TargetCatalog) -> list[Target]:
    try:
        return catalog.targets(config.kind, config.targets)
    except ConfigError as error:
        raise ConfigError(f"disturbances.{number}: {error}") from None


def _series(number: int, config: DisturbanceConfig, rows: Index, horizon_s: float) -> Series:
    assert config.rate_per_h is not None
    assert config.duration_s is not None
    duration = config.duration_s
    first_s, second_s = (
        (duration.low_s, duration.high_s)
        if duration.distribution == "uniform"
        else (duration.mean_s, duration.mean_s)
    )
    assert first_s is not None
    assert second_s is not None
    low, high = (1.0, 1.0) if config.size is None else config.size
    expected = config.rate_per_h * horizon_s / 3600.0
    return Series(
        number=number,
        rate_per_s=config.rate_per_h / 3600.0,
        distribution=DISTRIBUTIONS.index(duration.distribution),
        first_s=first_s,
        second_s=second_s,
        rows=rows,
        low=low,
        high=high,
        # More than that come in fewer than one of 1e20 episodes.
        n_place=math.ceil(expected + 10.0 * math.sqrt(expected) + 20.0),
    )


def _events(rows: list[tuple[float, float, int, float]]) -> DisturbanceEvents:
    start_s, end_s, row, size = np.array(rows, np.float64).reshape(-1, 4).T.copy()
    return DisturbanceEvents(start_s, end_s, row.astype(np.int32), size)
