"""What is measured, group by group: steps on one core, steps by threads."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from speed.measure import Measurement, take_turns

from environment_speed import batch, grid2op_peer, single
from environment_speed.problem import make_single
from environment_speed.subject import Subject, to_case
from environment_speed.two_cores import gain_of_second_core
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids

__all__ = ["Extent", "Row", "find", "make_compared", "measure_steps", "measure_threads"]

N_COMPARED = 3  # lanes of each batch


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    lanes: Sequence[int]
    lanes_of_stages: Sequence[int]
    lanes_of_memory: Sequence[int]
    turn_s: float
    n_turn: int


@dataclass(frozen=True)
class Row:
    """A measurement with what was found out beside its time."""

    time: Measurement
    error: float | None  # see Subject

    @property
    def us(self) -> float:
        """Median time of a step of one environment [us]."""
        return self.time.ns * 1e-3

    @property
    def steps_a_second(self) -> float:
        """Steps of environments in a second."""
        return 1e9 / self.time.ns

    @property
    def agent_steps_a_second(self) -> float:
        """Steps of agents in a second."""
        return self.steps_a_second * int(self.time.key["agents"])

    def has(self, **key: int | str) -> bool:
        """Tell whether what tells it from others is as given."""
        return all({"what": self.time.what, **self.time.key}[k] == v for k, v in key.items())


def find(rows: Sequence[Row], **key: int | str) -> Row | None:
    """Return the first row that is as given; None if there is none."""
    return next((row for row in rows if row.has(**key)), None)


def make_compared() -> list[MultiAgentMicrogrids]:
    """Return the single environments that some lanes of each batch are compared with."""
    return [make_single() for _ in range(N_COMPARED)]


def measure_steps(extent: Extent, compared: Sequence[MultiAgentMicrogrids]) -> list[Row]:
    """Measure everything on one core, in turns."""
    subjects = single.subjects()
    subjects += [batch.subject(n_lane, 1, compared) for n_lane in extent.lanes]
    if grid2op_peer.is_installed():
        subjects += grid2op_peer.subjects()
    return list(_measure(subjects, extent))


def measure_threads(
    extent: Extent, compared: Sequence[MultiAgentMicrogrids]
) -> tuple[list[Row], list[float]]:
    """Measure batches on one thread beside two, in time on the wall with all cores at hand.

    Returns
    -------
    rows, gains
        The measurements, and between them what a second core is worth at all.
    """
    rows: list[Row] = []
    with _all_cores():
        gains = [gain_of_second_core()]
        for n_lane in extent.lanes:
            subjects = [batch.subject(n_lane, n_thread, compared) for n_thread in (1, 2)]
            rows += _measure(subjects, extent, on_wall=True)
            gains.append(gain_of_second_core())
    return rows, gains


def _measure(
    subjects: Sequence[Subject], extent: Extent, *, on_wall: bool = False
) -> Iterator[Row]:
    cases = [to_case(subject, extent.turn_s, on_wall=on_wall) for subject in subjects]
    times = take_turns("step of an environment", cases, extent.n_turn)
    for subject, time in zip(subjects, times, strict=True):
        yield Row(time, subject.error)


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
