"""Read the published tables and balanced equivalents of the IEEE test feeders."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from heron.errors import ConfigError

FEEDERS = ("ieee13", "ieee34", "ieee123")


def load_facts(feeder: str) -> dict[str, Any]:
    """Return the published tables of a feeder: buses with coordinates, loads, controls, totals.

    Parameters
    ----------
    feeder : {"ieee13", "ieee34", "ieee123"}
        Which feeder.

    Returns
    -------
    dict
        A fresh dictionary; lengths in feet and km, powers in kW and kvar per phase,
        line matrices in ohm and microsiemens per mile.

    Raises
    ------
    ValueError
        If there is no such feeder.
    """
    return _read(feeder, "")


def load_equivalent(feeder: str) -> dict[str, Any]:
    """Return the balanced (positive-sequence) equivalent of a feeder, ready to build.

    Parameters and errors are those of `load_facts`; values are in kV, km, ohm, nF, kA,
    MW and Mvar (three-phase totals).
    """
    return _read(feeder, "_posseq")


def _read(feeder: str, suffix: str) -> dict[str, Any]:
    if feeder not in FEEDERS:
        raise ConfigError(f"unknown feeder {feeder!r}; expected one of {', '.join(FEEDERS)}")
    path = resources.files("powergrid.networks").joinpath("facts", f"{feeder}{suffix}.json")
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return facts
