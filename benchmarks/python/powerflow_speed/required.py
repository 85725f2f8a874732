"""What the figures must show."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from speed.machine import is_reference_class
from speed.verdict import Requirement

from powerflow_speed import lightsim_peer, native, pandapower_peer, power_grid_model_peer
from powerflow_speed.groups import Row
from powerflow_speed.growth import BYTES_OF_SOLVE, Growth
from powerflow_speed.problems import COMBINED

__all__ = ["find", "find_all", "growth_exponent", "requirements"]

N_LANE = 1024


def find(rows: Sequence[Row], **key: int | str) -> Row | None:
    """Return the first row that is as given; None if there is none."""
    return next((row for row in rows if row.has(**key)), None)


def find_all(rows: Sequence[Row], **key: int | str) -> list[Row]:
    """Return the rows that are as given."""
    return [row for row in rows if row.has(**key)]


def requirements(
    tables: Mapping[str, Sequence[Row]], growth: Growth, machine: dict[str, Any]
) -> list[Requirement]:
    """Hold the figures against what is required of them."""
    rows = [row for row in tables["networks"] if row.has(network=COMBINED)]
    batch = find(rows, what=native.BATCH, lanes=N_LANE, start="warm")
    single = find(rows, what=native.BATCH, lanes=1, start="warm")
    of_pgm = [row for row in rows if row.time.what in power_grid_model_peer.BATCHES]
    of_lightsim = [
        row for row in rows if row.time.what in (lightsim_peer.SINGLE, lightsim_peer.SERIES)
    ]
    plain = find(rows, what=pandapower_peer.PLAIN)
    return [
        _absolute(f"{COMBINED}, batch of {N_LANE:,}, us a lane", batch, 3.0, machine),
        _absolute(f"{COMBINED}, one lane from Python, us", single, 15.0, machine),
        _ratio("pandapower runpp", batch, [plain] if plain else [], 10_000.0),
        _ratio("power-grid-model's fastest batch", batch, of_pgm, 20.0),
        _ratio("lightsim2grid's fastest", batch, of_lightsim, 20.0),
        _exponent(
            "instructions by buses, radial networks",
            [(n_bus, n_bus * each) for n_bus, each in growth.instructions.items()],
            1.05,
        ),
        _memory(find_all(tables["buses"], what=native.BATCH), growth),
        *(
            _exponent(
                f"time by buses, radial networks, {what}",
                [_point(row, "network") for row in find_all(tables["buses"], what=what)],
            )
            for what in dict.fromkeys(row.time.what for row in tables["buses"])
        ),
        _exponent(
            f"time by lanes from {N_LANE:,} on, a batch as a whole",
            [
                (lanes, us * lanes)
                for lanes, us in (
                    _point(row, "lanes") for row in find_all(rows, what=native.BATCH, start="warm")
                )
                if lanes >= N_LANE
            ],
            1.2,
        ),
    ]


def growth_exponent(points: Sequence[tuple[float, float]]) -> float | None:
    """Return the exponent b of the least-squares fit cost = a size^b; None of less than 2 sizes."""
    logs = [(math.log(size), math.log(cost)) for size, cost in points]
    if len({x for x, _ in logs}) < 2:
        return None
    x_mean = math.fsum(x for x, _ in logs) / len(logs)
    y_mean = math.fsum(y for _, y in logs) / len(logs)
    covariance = math.fsum((x - x_mean) * (y - y_mean) for x, y in logs)
    return covariance / math.fsum((x - x_mean) ** 2 for x, _ in logs)


def _absolute(text: str, row: Row | None, most: float, machine: dict[str, Any]) -> Requirement:
    value = row.us if row else None
    return Requirement(
        text,
        value,
        f"(at most {most:g} on a quiet 2.5 GHz core with AVX-512)",
        None if value is None else value <= most,
        is_required=is_reference_class(machine),
    )


def _ratio(what: str, batch: Row | None, peers: Sequence[Row], least: float) -> Requirement:
    value = min(row.us for row in peers) / batch.us if batch and peers else None
    return Requirement(
        f"a lane of the batch against {what}",
        value,
        f"times faster (at least {least:,g})",
        None if value is None else value >= least,
    )


def _exponent(
    text: str, points: Sequence[tuple[float, float]], most: float | None = None
) -> Requirement:
    """Require that a cost grows with the size to the power of about one, or only report it."""
    value = growth_exponent(points)
    return Requirement(
        f"exponent of {text}",
        value,
        "(linear is 1)" if most is None else f"(at most {most:g}; linear is 1)",
        None if value is None or most is None else value <= most,
        is_required=most is not None,
    )


def _memory(rows: Sequence[Row], growth: Growth) -> Requirement:
    """Require that a bus costs no more in a large network than moving its data through memory."""
    value = None
    if len(rows) > 1 and growth.gb_s is not None:
        sizes = {int(row.time.key["network"]): row.us * 1e3 for row in rows}
        small, large = min(sizes), max(sizes)
        value = (sizes[large] / large - sizes[small] / small) * growth.gb_s
    return Requirement(
        "what a bus costs more in the largest radial network than in the smallest, as bytes that "
        "memory copies meanwhile",
        value,
        f"(at most {BYTES_OF_SOLVE}, all that a solve reads and writes of a bus)",
        None if value is None else value <= BYTES_OF_SOLVE,
    )


def _point(row: Row, size: str) -> tuple[float, float]:
    return float(row.time.key[size]), row.us
