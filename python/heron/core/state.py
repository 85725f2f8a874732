"""The state of an agent: feature blocks under names, for one owner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from heron.core.feature import FeatureBlock
from heron.errors import ConfigError, nearest

if TYPE_CHECKING:
    from heron.core.feature_table import FeatureTable

__all__ = ["CoordinatorAgentState", "FieldAgentState", "State", "SystemAgentState"]


class State:
    """Named feature blocks of one agent, in the order in which they were added.

    A block is an attribute of the state: after ``state.add_feature("electrical", block)``,
    ``state.electrical is block``.

    Parameters
    ----------
    owner_id
        Id of the agent whose state this is.
    owner_level
        Level of that agent: 1 field, 2 coordinator, 3 system.
    """

    features: dict[str, FeatureBlock]

    def __init__(self, owner_id: str, owner_level: int = 1) -> None:
        self.owner_id = owner_id
        self.owner_level = owner_level
        self.features = {}
        self._reset_values: dict[str, dict[str, Any]] = {}
        # What blocks of a table hold after a reset, as they hold it: resets are frequent.
        self._reset_arrays: dict[str, tuple[FeatureBlock, np.ndarray]] = {}

    def add_feature(self, name: str, block: FeatureBlock) -> None:
        """Add a block under a name; its present values are those that `reset` returns to.

        Raises
        ------
        ConfigError
            If the name is taken, is no identifier, or is an attribute of every state.
        """
        if name in self.features:
            raise ConfigError(
                f"{self.owner_id!r} already has a feature {name!r}; "
                "change it with update_feature, or choose another name"
            )
        if not name.isidentifier() or hasattr(self, name):
            raise ConfigError(
                f"a feature of {self.owner_id!r} cannot be named {name!r}: "
                "it must be an identifier that is not an attribute of a state"
            )
        if not isinstance(block, FeatureBlock):
            raise TypeError(
                f"feature {name!r} of {self.owner_id!r} is a {type(block).__name__}; "
                "expected a FeatureBlock"
            )
        self.features[name] = block
        self._reset_values[name] = block.to_dict()
        self._reset_arrays.pop(name, None)
        # An ordinary attribute is the fastest look-up there is; __setattr__ guards it.
        self.__dict__[name] = block

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse to replace a block, which would part the state from its table."""
        if name in self.__dict__.get("features", ()):
            raise AttributeError(
                f"feature {name!r} of {self.owner_id!r} cannot be replaced; "
                "set its fields or use update_feature"
            )
        super().__setattr__(name, value)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:  # features are attributes
            ...

    def to_array(self) -> np.ndarray:
        """Return the values of all blocks in order, float64, shape (n_value,)."""
        parts = [block.to_array() for block in self.features.values()]
        return np.concatenate(parts) if parts else np.zeros(0)

    def vector(self) -> np.ndarray:
        """Return `to_array()`."""
        return self.to_array()

    def names(self) -> list[str]:
        """Name every value of `to_array`, such as "electrical.p_MW"."""
        return [f"{name}.{field}" for name, b in self.features.items() for field in b.names()]

    def update_feature(self, name: str, **values: Any) -> None:
        """Set fields of the block `name`: all of them, or none if one is refused."""
        self._feature(name).set_values(**values)

    def observed_by(self, requestor_id: str | None, requestor_level: int) -> dict[str, np.ndarray]:
        """Return copies of the blocks that the requestor may see, by feature name."""
        return {
            name: block.to_array()
            for name, block in self.features.items()
            if block.is_observable_by(
                requestor_id, requestor_level, self.owner_id, self.owner_level
            )
        }

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return {feature: {field: value}}; arrays are copies."""
        return {name: block.to_dict() for name, block in self.features.items()}

    def from_dict(self, values: Mapping[str, Mapping[str, Any]]) -> None:
        """Set fields from what `to_dict` gives; features left out stay as they are."""
        for name in values:
            self._feature(name)
        for name, fields in values.items():
            self.update_feature(name, **fields)

    def reset(self) -> None:
        """Return every block to the values that it had when it was added.

        An array that got another shape before `bind` returns to what it held at `bind`.
        """
        for name, values in self._reset_values.items():
            block = self.features[name]
            kept = self._reset_arrays.get(name)
            if kept is not None and kept[0] is block and block.is_bound:
                block.restore(kept[1])
                continue
            block.set_values(**values)
            if block.is_bound and type(block).set_values is FeatureBlock.set_values:
                self._reset_arrays[name] = (block, block.to_array())

    def keep_for_reset(self) -> None:
        """Make the present values those that `reset` returns to."""
        self._reset_values = self.to_dict()
        self._reset_arrays.clear()

    def bind(self, table: FeatureTable, owner_id: str | None = None) -> None:
        """Add every block to a table, which owns the values once it is frozen.

        `owner_id` is the owner's name in the table, such as the path "MG1/ess1" where ids differ
        among siblings only; without it the state's own.
        """
        for name, block in self.features.items():
            kept = self._reset_values[name]
            for field, value in block.to_dict().items():
                if np.shape(value) != np.shape(kept[field]):
                    kept[field] = value
            table.add_block(owner_id or self.owner_id, name, block, self.owner_level)

    def _feature(self, name: str) -> FeatureBlock:
        if name not in self.features:
            raise ConfigError(f"{self.owner_id!r}: {nearest(name, self.features, kind='feature')}")
        return self.features[name]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.owner_id!r}, features={list(self.features)})"


class FieldAgentState(State):
    """State of a field agent, level 1."""

    def __init__(self, owner_id: str, owner_level: int = 1) -> None:
        super().__init__(owner_id, owner_level)


class CoordinatorAgentState(State):
    """State of a coordinator, level 2."""

    def __init__(self, owner_id: str, owner_level: int = 2) -> None:
        super().__init__(owner_id, owner_level)


class SystemAgentState(State):
    """State of the system agent, level 3."""

    def __init__(self, owner_id: str, owner_level: int = 3) -> None:
        super().__init__(owner_id, owner_level)
