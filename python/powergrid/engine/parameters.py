"""What may differ from lane to lane: loads, prices, ratings of devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ValidationError

from heron.errors import ConfigError, nearest
from powergrid.engine.lane_arrays import as_rows
from powergrid.kernels.lanes import take_lanes

if TYPE_CHECKING:
    from powergrid.engine.device_stage import DeviceStage
    from powergrid.engine.interval_stage import IntervalStage

__all__ = ["ParameterTable"]

Array = NDArray[np.float64]


class ParameterTable:
    """The parameters of an engine by name.

    ``MG1.load_factor`` and ``DSO.load_factor`` multiply the loads of a grid, ``MG1.price_factor``
    the market price, ``MG1/ess1.p_max_MW`` is a parameter of a device that runs by kernels, under
    the name of its configuration. New values count from a lane's next episode on.

    Attributes
    ----------
    staged : list of ndarray
        Values of the next episode, arrays of the same shapes as those in force.
    is_plain : bool
        Whether all lanes have the configuration's values, in force and staged. Who writes to
        `staged` makes it False.
    """

    def __init__(self, interval: IntervalStage, devices: DeviceStage, distribution: str) -> None:
        self._interval = interval
        self._in_force = [
            interval.load_factor,
            interval.price_factor,
            interval.rated_mw,
            *(group.parameters for group in devices.groups),
        ]
        self.staged = [array.copy() for array in self._in_force]
        self.is_plain = True
        load, price, rated, of_kinds = range(4)
        self._places: dict[str, list[tuple[int, tuple[int, ...]]]] = {}
        for k, name in enumerate([*interval.names, distribution]):
            self._places[f"{name}.load_factor"] = [(load, (k,))]
        for k, name in enumerate(interval.market):
            self._places[f"{name}.price_factor"] = [(price, (k,))]
        self._configs: dict[str, Any] = {}
        for number, group in enumerate(devices.groups):
            kernels = group.kernels
            for k, member in enumerate(group.members):
                for i, parameter in enumerate(kernels.parameters):
                    if parameter in kernels.structural:
                        continue
                    name = f"{member.owner}.{parameter}"
                    self._places[name] = [(of_kinds + number, (i, k))]
                    self._configs[name] = getattr(member.device, "config", None)
        for k, owner in enumerate(interval.renewables):
            # What sun and wind give is a share of it.
            self._places.setdefault(f"{owner}.p_rated_MW", []).append((rated, (k,)))

    @property
    def names(self) -> list[str]:
        """All names."""
        return list(self._places)

    def get(self, name: str) -> Array:
        """Return the values in force, (n_lane,), a copy."""
        array, at = self._find(name)[0]
        values: Array = self._in_force[array][at][: self._interval.n_lane].copy()
        return values

    def set(self, name: str, values: ArrayLike, lanes: Sequence[int] | None = None) -> None:
        """Set a parameter of some lanes, or of all, for their next episodes.

        Parameters
        ----------
        name : str
            One of `names`.
        values : float or (n,)
            One for all, or one for each of the lanes.

        Raises
        ------
        ConfigError
            If the name is unknown, values are not finite, of the wrong number, or refused by the
            device's configuration.
        """
        places = self._find(name)
        at = np.arange(self._interval.n_lane) if lanes is None else np.asarray(lanes, dtype=np.intp)
        new = np.asarray(values, dtype=np.float64)
        if new.shape not in ((), at.shape):
            raise ConfigError(f"{name}: got shape {new.shape}, expected one value or {at.shape}")
        if not np.isfinite(new).all():
            raise ConfigError(f"{name}: {new.tolist()} is not finite")
        self._check(name, new)
        self.is_plain = False
        for array, row in places:
            self.staged[array][row][at] = new

    def put_in_force(self, first: int, last: int) -> None:
        """Let the staged values of some lanes count."""
        if self.is_plain:
            return
        for array, staged in zip(self._in_force, self.staged, strict=True):
            array[..., first:last] = staged[..., first:last]

    def copy_staged(
        self, source: ParameterTable, at: NDArray[np.intp], first: int, last: int
    ) -> None:
        """Take over the staged values of lane ``at[k]`` of another table as those of lane k."""
        for array, theirs in zip(self.staged, source.staged, strict=True):
            take_lanes(as_rows(array), at, as_rows(theirs), first, last)

    def _find(self, name: str) -> list[tuple[int, tuple[int, ...]]]:
        if name not in self._places:
            raise ConfigError(nearest(name, self._places, kind="parameter"))
        return self._places[name]

    def _check(self, name: str, values: Array) -> None:
        """Let the device's configuration judge the extremes; factors must not be negative."""
        config = self._configs.get(name)
        extremes = (float(values.min()), float(values.max())) if values.size else ()
        if not isinstance(config, BaseModel):
            if any(value < 0.0 for value in extremes):
                raise ConfigError(f"{name}: {min(extremes)} is negative")
            return
        field = name.rpartition(".")[2]
        if field not in type(config).model_fields:
            return
        try:
            for value in extremes:
                type(config).model_validate({**config.model_dump(), field: value})
        except ValidationError as error:
            raise ConfigError(f"{name}: {error.errors()[0]['msg']}") from None
