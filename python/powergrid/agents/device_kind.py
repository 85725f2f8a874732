"""Whether a device runs by its kind's kernels, and what it gives them."""

from __future__ import annotations

from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from heron.errors import ConfigError
from powergrid.agents.device_agent import DeviceAgent
from powergrid.kernels.device_kernels import DeviceKernels

__all__ = ["kernel_parameters_of", "kernels_of"]

# What a class may say anew without leaving its parent's kernels: what it offers and shows. Whatever
# else it overrides may be called by a hook.
_BESIDE_THE_STEP = frozenset(
    {
        "_abc_impl",  # the abstract base class's own
        "action_names",
        "bus_name",
        "default_source",
        "element",
        "get_action_space",
        "idle_action",
        "kernel_parameters",
        "observed",
        "observed_fields",
        "respond_to_price",
        "source",
    }
)


def kernels_of(device: DeviceAgent) -> DeviceKernels | None:
    """Return the kernels that a device runs by, None if it runs by its Python hooks.

    The kernels are those that its class declares, or the nearest class above that does. They are
    the twin of that class's hooks. So a class further down that overrides a hook (or whatever a
    hook calls; all but the action space, names, what is observed, and the like) leaves them, and so
    does a device that had a method replaced.

    Raises
    ------
    ConfigError
        If the class declares kernels that cannot be imported, or are none.
    """
    kind = type(device)
    mro = kind.__mro__
    rank = next(i for i, cls in enumerate(mro) if "kernels" in vars(cls))
    declaring = mro[rank]
    declared = vars(declaring)["kernels"]
    if declared is None:
        return None
    below = {name for cls in mro[:rank] for name in vars(cls)}
    replaced = {name for name in vars(device) if callable(getattr(declaring, name, None))}
    changed = {n for n in below | replaced if not n.startswith("__") and hasattr(declaring, n)}
    if changed - _BESIDE_THE_STEP:
        return None
    return _imported(declared, declaring)


def _imported(declared: object, kind: type) -> DeviceKernels:
    where = f"{kind.__name__}.kernels is {declared!r}"
    if isinstance(declared, str):
        module, _, name = declared.partition(":")
        if not module or not name:
            raise ConfigError(f"{where}, expected 'package.module:NAME'")
        try:
            declared = getattr(import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise ConfigError(f"{where}: {error}") from error
    if not isinstance(declared, DeviceKernels):
        raise ConfigError(f"{where}, expected DeviceKernels, or where to import them from")
    return declared


def kernel_parameters_of(device: DeviceAgent, kernels: DeviceKernels) -> NDArray[np.float64]:
    """Return the values of a device's parameters and tail, (n_parameter + n_tail,).

    Raises
    ------
    ConfigError
        If there are fewer than the kernels name, or more and they have no tail, or one is NaN.
    """
    values = np.array(device.kernel_parameters(), dtype=np.float64)
    names = kernels.parameters
    who = f"device '{device.agent_id}' of type {type(device).__name__}"
    if values.size < len(names) or (values.size > len(names) and not kernels.tail):
        raise ConfigError(
            f"{who}: kernel_parameters() gives {values.size} values, expected {len(names)}: "
            f"{', '.join(names)}"
        )
    if np.isnan(values).any():
        k = int(np.flatnonzero(np.isnan(values))[0])
        name = names[k] if k < len(names) else f"{kernels.tail}[{k - len(names)}]"
        raise ConfigError(f"{who}: parameter {name} is NaN")
    return values
