"""The form of a dataset: two splits, four kinds of series, one series or one per area.

A dataset is a plain dictionary::

    {"train": {"load": x, "solar": x, "wind": x, "price": x}, "test": {...}}

where every ``x`` is a one-dimensional array of rows, or ``{area: array}``. `validate_dataset`
turns whatever a user brings into that form, once, at the edge; everything behind it relies on
finite float64 rows of equal length.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heron.errors import ConfigError, nearest

FloatArray = NDArray[np.float64]
Series = FloatArray | dict[str, FloatArray]
Split = dict[str, Series]
Dataset = dict[str, Split]

SPLITS = ("train", "test")
KINDS = ("load", "solar", "wind", "price")
UNITS = {
    "load": "multiple of the nominal load",
    "solar": "per unit of the rating",
    "wind": "per unit of the rating",
    "price": "$/MWh",
}
#: What a kind is worth where a dataset says nothing about it.
DEFAULTS = {"load": 1.0, "solar": 0.0, "wind": 0.0, "price": 50.0}

#: Above this a solar or wind series is surely not per unit (watts, kilowatts or W/m2).
MAX_PER_UNIT = 1.5


def validate_dataset(dataset: Mapping[str, Any]) -> Dataset:
    """Check a dataset and return it in the one form that the package works with.

    Parameters
    ----------
    dataset : mapping
        ``{split: {kind: series}}`` with splits ``train`` and ``test``, kinds ``load``, ``solar``,
        ``wind`` and ``price``, and a series that is one-dimensional (array, list, pandas Series)
        or a mapping ``{area: one-dimensional}``. A missing or empty split is an empty one; a
        missing kind takes its default (load 1, solar 0, wind 0, price 50).

    Returns
    -------
    dict
        Both splits; every series a read-only float64 copy, ``(n_row,)``. A series shorter than
        the longest of its split is repeated when its length divides the longest.

    Raises
    ------
    ConfigError
        For an unknown split or kind, a series that is not one-dimensional numbers, a NaN or
        infinite value, a negative load, sun or wind (a price may be negative), sun or wind above
        1.5 p.u., or lengths that do not divide the longest.

    Examples
    --------
    >>> data = validate_dataset({"train": {"price": [50.0, 60.0], "load": [0.5]}})
    >>> data["train"]["load"].tolist(), data["test"]
    ([0.5, 0.5], {})
    """
    if not isinstance(dataset, Mapping):
        raise ConfigError(
            f"a dataset is a mapping of splits {list(SPLITS)}, got {type(dataset).__name__}"
        )
    for split in dataset:
        if split not in SPLITS:
            raise ConfigError(f"dataset: {nearest(split, SPLITS, kind='split')}")
    return {split: _validate_split(split, dataset.get(split)) for split in SPLITS}


def _validate_split(split: str, content: Mapping[str, Any] | None) -> Split:
    if content is None:
        return {}
    if not isinstance(content, Mapping):
        raise ConfigError(
            f"dataset['{split}'] is a mapping of kinds {list(KINDS)}, got {type(content).__name__}"
        )
    checked: Split = {}
    for kind, series in content.items():
        if kind not in KINDS:
            raise ConfigError(f"dataset['{split}']: {nearest(kind, KINDS, kind='kind')}")
        if isinstance(series, Mapping):
            if not series:
                raise ConfigError(
                    f"dataset['{split}']['{kind}'] names no area; leave the kind out for its "
                    f"default ({DEFAULTS[kind]:g})"
                )
            checked[kind] = {
                str(area): _rows(f"{split}/{kind}/{area}", kind, rows)
                for area, rows in series.items()
            }
        else:
            checked[kind] = _rows(f"{split}/{kind}", kind, series)
    return _equal_lengths(split, checked)


def _rows(label: str, kind: str, series: Any) -> FloatArray:
    """Copy one series to float64 and refuse what cannot be such a series."""
    try:
        rows = np.array(series, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"series {label} holds something that is not a number: {error}") from None
    if rows.ndim != 1 or rows.size == 0:
        raise ConfigError(f"series {label} has shape {rows.shape}, expected (n_row,) with rows")
    is_bad = ~np.isfinite(rows)
    if is_bad.any():
        raise ConfigError(
            f"series {label} has {int(is_bad.sum())} NaN or infinite values, the first in row "
            f"{int(is_bad.argmax())}; fill the gaps before loading"
        )
    if kind != "price" and rows.min() < 0.0:
        raise ConfigError(
            f"series {label} is {rows.min():g} in row {int(rows.argmin())}, expected values >= 0 "
            f"({UNITS[kind]})"
        )
    if kind in ("solar", "wind") and rows.max() > MAX_PER_UNIT:
        raise ConfigError(
            f"series {label} reaches {rows.max():g}, expected values per unit of the rating "
            "(0..1); divide it by the rating"
        )
    return rows


def _equal_lengths(split: str, content: Split) -> Split:
    """Repeat shorter series up to the longest one of the split."""
    named = [
        (f"{split}/{kind}/{area}", rows)
        for kind, series in content.items()
        for area, rows in (series.items() if isinstance(series, dict) else [("", series)])
    ]
    if not named:
        return {}
    longest_name, longest = max(named, key=lambda item: item[1].size)
    for name, rows in named:
        if longest.size % rows.size:
            raise ConfigError(
                f"series {name.rstrip('/')} has {rows.size} rows, which do not divide the "
                f"{longest.size} rows of {longest_name.rstrip('/')}: a shorter series is repeated "
                "only a whole number of times"
            )

    def fit(rows: FloatArray) -> FloatArray:
        fitted = np.tile(rows, longest.size // rows.size)
        fitted.flags.writeable = False
        return fitted

    return {
        kind: {area: fit(rows) for area, rows in series.items()}
        if isinstance(series, dict)
        else fit(series)
        for kind, series in content.items()
    }
