"""Reading datasets from files and tables: NPZ, CSV, Parquet, pickles, DataFrames.

One naming rule for all: ``split/kind`` or ``split/kind/area`` names a series of an NPZ file;
tables have the split in a column ``split`` and one column ``kind`` or ``kind/area`` a series.
"""

from __future__ import annotations

import os
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from heron.errors import ConfigError, nearest
from powergrid.data import restricted_pickle
from powergrid.data.dataset import KINDS, SPLITS, Dataset, validate_dataset

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".npz", ".csv", ".parquet", ".pkl", ".pickle")
SPLIT_COLUMN = "split"
#: A table may say when its rows are; nothing depends on it.
TIME_COLUMN = "time"


def load_dataset(path: str | os.PathLike[str], *, trusted: bool = False) -> Dataset:
    """Read a dataset file and validate it.

    Parameters
    ----------
    path : path
        A file whose suffix tells its format: ``.npz``, ``.csv``, ``.parquet``, ``.pkl`` or
        ``.pickle``.
    trusted : bool
        Read a pickle with Python's own unpickler, which runs whatever code the file names. Only
        for files that you made yourself; without it a pickle may hold nothing but dicts, lists,
        tuples, strings, numbers and NumPy arrays.

    Returns
    -------
    dict
        As `validate_dataset` returns it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ConfigError
        For an unknown suffix, names or values that are not a dataset.
    powergrid.data.restricted_pickle.RefusedPickleError
        If a pickle holds anything else and `trusted` is not set.
    """
    file = Path(path)
    suffix = file.suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigError(
            f"format of dataset file {file}: {nearest(suffix, SUFFIXES, kind='suffix')}"
        )
    if not file.is_file():
        raise FileNotFoundError(f"no dataset file at {file}")
    try:
        return _read(file, suffix, trusted=trusted)
    except restricted_pickle.RefusedPickleError:
        raise
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from error
    except ValueError as error:  # what the readers of tables say of a broken file
        raise ConfigError(f"{file} is no readable {suffix} file: {error}") from error


def _read(file: Path, suffix: str, *, trusted: bool) -> Dataset:
    if suffix == ".npz":
        return _from_npz(file)
    if suffix in (".csv", ".parquet"):
        import pandas as pd

        frame = pd.read_csv(file) if suffix == ".csv" else pd.read_parquet(file)
        return dataset_from_frame(frame)
    with file.open("rb") as stream:
        content = pickle.load(stream) if trusted else restricted_pickle.load(stream)
    return validate_dataset(content)


def dataset_from_frame(frame: pd.DataFrame) -> Dataset:
    """Turn a table into a dataset.

    Parameters
    ----------
    frame : pandas.DataFrame
        One column a series, named ``kind`` or ``kind/area``, rows in the order of time. A column
        ``split`` holds ``train`` or ``test``; without it all rows are ``train``. A column
        ``time`` is ignored. A series shorter than its split leaves its last cells empty.

    Raises
    ------
    ConfigError
        For an unknown column or split, and for everything that `validate_dataset` refuses.
    """
    if frame.empty:
        raise ConfigError("the table has no rows")
    series = [
        str(column)
        for column in frame.columns
        # A table saved with its index has a first column without a name.
        if column not in (SPLIT_COLUMN, TIME_COLUMN) and not str(column).startswith("Unnamed:")
    ]
    if SPLIT_COLUMN in frame.columns:
        unknown = sorted({str(value) for value in frame[SPLIT_COLUMN]} - set(SPLITS))
        if unknown:
            raise ConfigError(
                f"column '{SPLIT_COLUMN}': {nearest(unknown[0], SPLITS, kind='split')}"
            )
        parts = {split: frame[frame[SPLIT_COLUMN] == split] for split in SPLITS}
    else:
        parts = {SPLITS[0]: frame}
    flat = {}
    for split, part in parts.items():
        for name in series:
            column = part[name].to_numpy()
            n_row = _rows_before_empty_tail(part[name].notna().to_numpy())
            if n_row:
                flat[f"{split}/{name}"] = column[:n_row]
    return validate_dataset(nest_series(flat))


def _rows_before_empty_tail(is_filled: np.ndarray[Any, np.dtype[np.bool_]]) -> int:
    filled = np.flatnonzero(is_filled)
    return int(filled[-1]) + 1 if filled.size else 0


def _from_npz(file: Path) -> Dataset:
    try:
        with file.open("rb") as stream:
            # Object arrays would be pickles; allow_pickle=False refuses them.
            archive = np.load(stream, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ConfigError("the file holds one array, expected an NPZ archive")
            flat = {name: archive[name] for name in archive.files}
    except ConfigError:
        raise
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        # NumPy's own words recommend what this loader exists to refuse.
        hint = "" if "pickle" in str(error) else f": {error}"
        raise ConfigError(f"the file cannot be read as NPZ arrays{hint}") from error
    return validate_dataset(nest_series(flat))


def nest_series(flat: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Turn ``{"train/load/BANC": x}`` into ``{"train": {"load": {"BANC": x}}}``."""
    nested: dict[str, dict[str, Any]] = {}
    for name, rows in flat.items():
        split, _, rest = name.partition("/")
        kind, _, area = rest.partition("/")
        if split not in SPLITS:
            raise ConfigError(f"series '{name}': {nearest(split, SPLITS, kind='split')}")
        if kind not in KINDS:
            raise ConfigError(f"series '{name}': {nearest(kind, KINDS, kind='kind')}")
        content = nested.setdefault(split, {})
        present = content.get(kind)
        if present is not None and (not area or not isinstance(present, dict)):
            raise ConfigError(
                f"series '{name}': {split}/{kind} is given both for every area and by area"
            )
        if area:
            content.setdefault(kind, {})[area] = rows
        else:
            content[kind] = rows
    return nested
