"""Load, solar, wind and price series: reading, checking, and looking them up in time.

A dataset is ``{"train": {kind: series}, "test": {kind: series}}``; see `validate_dataset` for the
form and `load_dataset` for the files.
"""

from __future__ import annotations

from powergrid.data.dataset import DEFAULTS, KINDS, SPLITS, Dataset, validate_dataset
from powergrid.data.loaders import dataset_from_frame, load_dataset
from powergrid.data.profiles import Profiles
from powergrid.data.shipped import shipped_dataset, shipped_manifest, shipped_minute_dataset
from powergrid.data.variability import minute_variability

__all__ = [
    "DEFAULTS",
    "KINDS",
    "SPLITS",
    "Dataset",
    "Profiles",
    "dataset_from_frame",
    "load_dataset",
    "minute_variability",
    "shipped_dataset",
    "shipped_manifest",
    "shipped_minute_dataset",
    "validate_dataset",
]
