"""Reading a dataset in simulated time: what load, sun, wind and price are at given seconds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from heron.errors import ConfigError, nearest
from powergrid.data.dataset import DEFAULTS, KINDS, SPLITS, Dataset, FloatArray, validate_dataset

INTERPOLATIONS = ("hold", "linear")

#: Rows of the constant series that stand in where there is no dataset: a year of hours.
N_ROW_WITHOUT_DATA = 8760

#: A time this much of a row before a row's start counts as its start, so that times summed up
#: from floating-point steps do not read the row before.
_ROW_TOLERANCE = 1e-9


class Profiles:
    """Load, sun, wind and price of one split, as functions of simulated seconds.

    Row ``i`` of a series begins at ``i * row_s`` seconds. Time wraps round the end of the split.

    Parameters
    ----------
    dataset : mapping or None
        What `validate_dataset` accepts. None stands for constants: load 1, no sun, no wind,
        price 50 $/MWh.
    split : str
        ``"train"`` or ``"test"``.
    row_s : float
        Seconds that one row lasts.
    interpolation : str
        ``"hold"`` keeps a row's value until the next row begins; ``"linear"`` goes straight from
        the start of a row to the start of the next one.

    Raises
    ------
    ConfigError
        For an unknown split or interpolation, a `row_s` that is not positive, a dataset that
        `validate_dataset` refuses, or a split without data.

    Examples
    --------
    >>> profiles = Profiles({"train": {"price": [40.0, 60.0]}}, "train")
    >>> profiles.window("price", None, start_s=1800.0, n_step=3, step_s=3600.0).tolist()
    [40.0, 60.0, 40.0]
    """

    def __init__(
        self,
        dataset: Mapping[str, Any] | None,
        split: str,
        *,
        row_s: float = 3600.0,
        interpolation: str = "hold",
    ) -> None:
        if split not in SPLITS:
            raise ConfigError(f"split: {nearest(split, SPLITS, kind='split')}")
        if interpolation not in INTERPOLATIONS:
            raise ConfigError(
                f"interpolation: {nearest(interpolation, INTERPOLATIONS, kind='way')}"
            )
        if not (math.isfinite(row_s) and row_s > 0.0):
            raise ConfigError(f"row_s is {row_s!r}, expected a positive number of seconds")
        self.split = split
        self.row_s = float(row_s)
        self.interpolation = interpolation
        if dataset is None:
            self._content: dict[str, Any] = {}
            self._n_row = N_ROW_WITHOUT_DATA
            return
        data: Dataset = validate_dataset(dataset)
        self._content = dict(data[split])
        if not self._content:
            filled = [name for name in SPLITS if data[name]]
            raise ConfigError(
                f"the dataset has no '{split}' split; it holds {filled or 'no split at all'}"
            )
        first = next(iter(self._content.values()))
        self._n_row = len(next(iter(first.values())) if isinstance(first, dict) else first)

    @property
    def n_row(self) -> int:
        """Rows of the split, the same for every series."""
        return self._n_row

    @property
    def duration_s(self) -> float:
        """Seconds after which the split begins again."""
        return self._n_row * self.row_s

    def areas(self, kind: str) -> tuple[str, ...]:
        """Name the areas that a kind has its own series for; empty when one serves them all."""
        series = self._content.get(self._known_kind(kind))
        return tuple(series) if isinstance(series, dict) else ()

    def rows(self, kind: str, area: str | None = None) -> FloatArray:
        """Return the whole series of a kind in an area, read-only, ``(n_row,)`` float64.

        Raises
        ------
        ConfigError
            For an unknown kind, or an area that the kind has no series for.
        """
        series = self._content.get(self._known_kind(kind))
        if series is None:
            # A view of one number with stride 0: a year of constants costs no memory.
            return np.broadcast_to(np.float64(DEFAULTS[kind]), self._n_row)
        if not isinstance(series, dict):
            return np.asarray(series)
        if area is None:
            raise ConfigError(f"{kind} differs between areas: name one of {list(series)}")
        if area not in series:
            raise ConfigError(f"area of {kind}: {nearest(area, tuple(series), kind='area')}")
        return np.asarray(series[area])

    def window(
        self, kind: str, area: str | None, start_s: float, n_step: int, step_s: float
    ) -> FloatArray:
        """Return the values at ``start_s + k * step_s`` for ``k`` in ``0 .. n_step - 1``.

        Parameters
        ----------
        kind : str
            ``load`` (multiple of nominal), ``solar`` or ``wind`` (p.u. of rating) or ``price``
            ($/MWh).
        area : str or None
            Whose series; ignored where one series serves every area.
        start_s : float
            Seconds since the start of the split's row 0; may lie beyond the end, or before 0.
        n_step : int
            How many values.
        step_s : float
            Seconds between two of them.

        Returns
        -------
        numpy.ndarray
            A new float64 array, ``(n_step,)``.

        Raises
        ------
        ConfigError
            For an unknown kind or area, or times that are not finite.
        """
        rows = self.rows(kind, area)
        if not (math.isfinite(start_s) and math.isfinite(step_s)) or n_step < 0:
            raise ConfigError(
                f"window from {start_s!r} s, {n_step!r} steps of {step_s!r} s: expected finite "
                "times and n_step >= 0"
            )
        position = (start_s + np.arange(n_step) * step_s) / self.row_s  # [rows], fractional
        before = np.floor(position + _ROW_TOLERANCE)
        index = before.astype(np.int64) % self._n_row
        if self.interpolation == "hold":
            return np.array(rows[index])
        share = np.maximum(position - before, 0.0)
        following = rows[(index + 1) % self._n_row]
        return np.array((1.0 - share) * rows[index] + share * following)

    @staticmethod
    def _known_kind(kind: str) -> str:
        if kind not in KINDS:
            raise ConfigError(f"kind: {nearest(kind, KINDS, kind='kind')}")
        return kind
