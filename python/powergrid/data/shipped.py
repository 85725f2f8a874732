"""The series that come with the package, checked against their manifest when they are read."""

from __future__ import annotations

import hashlib
import io
import json
from importlib import resources
from typing import Any

import numpy as np

from powergrid.data.dataset import Dataset, validate_dataset
from powergrid.data.loaders import nest_series

HOURLY_FILE = "hourly.npz"
MINUTE_FILE = "minute.npz"
MANIFEST_FILE = "manifest.json"


def shipped_manifest() -> dict[str, Any]:
    """Return the manifest: units, time axis, areas, licence, checksums, how the series are made."""
    text = _folder().joinpath(MANIFEST_FILE).read_text(encoding="utf-8")
    manifest: dict[str, Any] = json.loads(text)
    return manifest


def shipped_dataset() -> Dataset:
    """Return the shipped hourly series: a year for training, the next one for testing.

    Rows last 3,600 s; row 0 is local midnight of 1 January. Every kind has the areas of the
    manifest (``BANC``, ``NEVP``, ``AZPS``, ``PACW``).

    Raises
    ------
    OSError
        If the file is not the one that the manifest describes.

    Examples
    --------
    >>> shipped_dataset()["train"]["price"]["BANC"].shape
    (8760,)
    """
    return _read(HOURLY_FILE)


def shipped_minute_dataset() -> Dataset:
    """Return the shipped week at one minute of each split; rows last 60 s.

    The weeks lie inside the years of `shipped_dataset`, and their hourly means are its rows.

    Raises
    ------
    OSError
        If the file is not the one that the manifest describes.
    """
    return _read(MINUTE_FILE)


def _folder() -> Any:
    return resources.files("powergrid.data").joinpath("series")


def _read(name: str) -> Dataset:
    content = _folder().joinpath(name).read_bytes()
    expected = shipped_manifest()["files"][name]["sha256"]
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise OSError(
            f"the shipped file {name} has checksum {found}, its manifest says {expected}: it is "
            "damaged or was replaced; install the package again"
        )
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return validate_dataset(nest_series({key: archive[key] for key in archive.files}))
