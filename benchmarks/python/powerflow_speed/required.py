"""What the figures must show."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from speed.machine import is_reference_class
from speed.verdict import Requirement

from powerflow_speed import lightsim_peer, native, pandapower_peer, power_grid_model_peer
from powerflow_speed.groups import Row
from powerflow_speed.problems import COMBINED

__all__ = ["find", "growth_exponent", "requirements"]

N_LANE = 1024


def find(rows: Sequence[Row], **key: int | str) -> Row | None:
    """Return the first row that is as given; None if there is none."""
    return next((row for row in rows if row.has(**key)), None)


def requirements(tables: Mapping[str, Sequence[Row]], machine: dict[str, Any]) -> list[Requirement]:
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
        _growth("buses, radial networks", tables["buses"], "network"),
        _growth(
            f"lanes from {N_LANE:,} on, a batch as a whole",
            [row for row in rows if int(row.time.key["lanes"]) >= N_LANE],
            "lanes",
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


def _growth(text: str, rows: Sequence[Row], size: str, most: float = 1.2) -> Requirement:
    """Require that the cost of all lanes grows with the size to the power of about one."""
    points = [
        (float(row.time.key[size]), row.us * (int(row.time.key["lanes"]) if size == "lanes" else 1))
        for row in rows
        if row.has(what=native.BATCH, start="warm")
    ]
    value = growth_exponent(points)
    return Requirement(
        f"exponent of the cost by {text}",
        value,
        f"(at most {most:g}; linear is 1)",
        None if value is None else value <= most,
    )
