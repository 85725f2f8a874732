"""What is measured, group by group: networks, threads, instructions, growth."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from speed.measure import Measurement, take_turns

from powerflow_speed import (
    lightsim_peer,
    native,
    opendss_peer,
    pandapower_peer,
    power_grid_model_peer,
)
from powerflow_speed.contender import Contender, check, to_case
from powerflow_speed.feeders import radial_feeder
from powerflow_speed.problems import COMBINED, NETWORKS, Problem

__all__ = ["Extent", "Row", "measure_group", "missing_peers"]

# Mismatches below the tolerance at all of a long feeder's buses add up in its voltages.
BOUND_OF_FEEDERS_PU = 1e-7
PEERS = (lightsim_peer, power_grid_model_peer, opendss_peer)


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    networks: Sequence[str]
    lanes: Sequence[int]
    lanes_of_threads: Sequence[int]
    lanes_of_simd: int
    lanes_of_growth: int
    sizes: Sequence[int]  # buses of the radial networks
    n_scenario: int
    turn_s: float
    n_turn: int


@dataclass(frozen=True)
class Row:
    """A measurement with what was found out beside its time."""

    time: Measurement
    error_pu: float  # largest difference of a voltage from pandapower's
    iterations: float | None  # mean of a solve

    @property
    def us(self) -> float:
        """Median time of the solve of one lane [us]."""
        return self.time.ns * 1e-3

    def has(self, **key: int | str) -> bool:
        """Tell whether what tells it from others is as given."""
        return all({"what": self.time.what, **self.time.key}[k] == v for k, v in key.items())


def missing_peers() -> list[str]:
    """Return the peers that are not installed."""
    return [peer.__name__.split(".")[-1] for peer in PEERS if not peer.is_installed()]


def measure_group(name: str, extent: Extent) -> list[Row]:
    """Measure the group of a name: networks, threads, simd or buses."""
    groups: dict[str, Callable[[Extent], Iterator[Row]]] = {
        "networks": _networks,
        "threads": _threads,
        "simd": _simd,
        "buses": _buses,
    }
    return list(groups[name](extent))


def _networks(extent: Extent) -> Iterator[Row]:
    for name in extent.networks:
        problem = Problem(name, NETWORKS[name](), extent.n_scenario)
        contenders = [*native.contenders(problem, extent.lanes), *_peers(problem)]
        contenders += pandapower_peer.contenders(problem)
        yield from _measure(contenders, extent)


def _threads(extent: Extent) -> Iterator[Row]:
    """Time on the wall with all cores at hand; one thread beside two."""
    problem = Problem(COMBINED, NETWORKS[COMBINED](), extent.n_scenario)
    made = native.Native(problem)
    with _all_cores():
        for n_lane in extent.lanes_of_threads:
            yield from _measure(
                [made.flow(n_lane, n_thread=n_thread) for n_thread in (1, 2)], extent, on_wall=True
            )


def _simd(extent: Extent) -> Iterator[Row]:
    problem = Problem(COMBINED, NETWORKS[COMBINED](), extent.n_scenario)
    made = native.Native(problem)
    yield from _measure(
        [
            made.flow(extent.lanes_of_simd, simd=level, what=f"native, {level}")
            for level in native.simd_levels()
        ],
        extent,
    )


def _buses(extent: Extent) -> Iterator[Row]:
    """Radial networks of growing size; peers by their batches."""
    n_lane = extent.lanes_of_growth
    for n_bus in extent.sizes:
        problem = Problem(str(n_bus), radial_feeder(n_bus), n_lane)
        contenders = [native.Native(problem).flow(n_lane, bound_pu=BOUND_OF_FEEDERS_PU)]
        contenders += [c for c in _peers(problem) if c.n_lane > 1]
        yield from _measure(contenders, replace(extent, n_turn=3))


def _peers(problem: Problem) -> list[Contender]:
    found: list[Contender] = []
    for peer in PEERS:
        if peer.is_installed():
            found += peer.contenders(problem)
    return found


def _measure(
    contenders: Sequence[Contender], extent: Extent, *, on_wall: bool = False
) -> Iterator[Row]:
    """Check every answer, then time in turns."""
    errors = [check(contender) for contender in contenders]
    cases = [to_case(contender, extent.turn_s, on_wall=on_wall) for contender in contenders]
    times = take_turns("solve of a lane", cases, extent.n_turn)
    for contender, time, error in zip(contenders, times, errors, strict=True):
        yield Row(time, error, contender.iterations())


@contextmanager
def _all_cores() -> Iterator[None]:
    """Take the process off the one core that it is kept on."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    kept = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        yield
    finally:
        os.sched_setaffinity(0, kept)
