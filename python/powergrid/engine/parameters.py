"""What may differ from lane to lane: loads, prices, ratings of devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ValidationError

from heron.errors import ConfigError, nearest
from powergrid.engine.series import is_fixed

if TYPE_CHECKING:
    from powergrid.engine.engine import Engine

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
    has_price_factor : bool
        Whether a price factor was ever set.
    """

    def __init__(self, engine: Engine, distribution: str) -> None:
        self._n_lane = engine.n_lane
        self.has_price_factor = False
        self._in_force = [engine.load_factor, engine.price_factor, engine.rated_mw] + [
            group.parameters for group in engine.groups
        ]
        self.staged = [array.copy() for array in self._in_force]
        load, price, rated = range(3)
        self._places: dict[str, list[tuple[int, tuple[int, ...]]]] = {}
        names = [agent.agent_id for agent in engine.agents]
        for k, name in enumerate([*names, distribution]):
            self._places[f"{name}.load_factor"] = [(load, (k,))]
        market = [agent.agent_id for agent in engine.agents if not is_fixed(agent, "price")]
        for k, name in enumerate(market):
            self._places[f"{name}.price_factor"] = [(price, (k,))]
        self._configs: dict[str, Any] = {}
        for number, group in enumerate(engine.groups):
            kernels = group.kernels
            for k, member in enumerate(group.members):
                for i, parameter in enumerate(kernels.parameters):
                    if parameter in kernels.structural:
                        continue
                    name = f"{member.owner}.{parameter}"
                    self._places[name] = [(3 + number, (i, k))]
                    self._configs[name] = getattr(member.device, "config", None)
        for owner, k in engine.renewable_row.items():
            name = f"{owner}.p_rated_MW"  # what sun and wind give is a share of it
            self._places.setdefault(name, []).append((rated, (k,)))

    @property
    def names(self) -> list[str]:
        """All names."""
        return list(self._places)

    def get(self, name: str) -> Array:
        """Return the values in force, (n_lane,), a copy."""
        array, at = self._find(name)[0]
        values: Array = self._in_force[array][at][: self._n_lane].copy()
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
        at = np.arange(self._n_lane) if lanes is None else np.asarray(lanes, dtype=np.intp)
        new = np.asarray(values, dtype=np.float64)
        if new.shape not in ((), at.shape):
            raise ConfigError(f"{name}: got shape {new.shape}, expected one value or {at.shape}")
        if not np.isfinite(new).all():
            raise ConfigError(f"{name}: {new.tolist()} is not finite")
        self._check(name, new)
        self.has_price_factor |= name.endswith(".price_factor")
        for array, row in places:
            self.staged[array][(*row, at)] = new

    def put_in_force(self, first: int, last: int) -> None:
        """Let the staged values of some lanes count."""
        for array, staged in zip(self._in_force, self.staged, strict=True):
            array[..., first:last] = staged[..., first:last]

    def copy_staged(self, source: ParameterTable, lanes: Sequence[int]) -> None:
        """Take over the staged values of some lanes of another table as lanes 0, 1, ..."""
        self.has_price_factor = source.has_price_factor
        for array, theirs in zip(self.staged, source.staged, strict=True):
            array[..., : len(lanes)] = theirs[..., lanes]

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
        for value in extremes:
            try:
                type(config).model_validate({**config.model_dump(), field: value})
            except ValidationError as error:
                raise ConfigError(f"{name}: {error.errors()[0]['msg']}") from None
