"""A compiled network and where its agents stand, kept on disk between runs.

Building and compiling a network takes pandapower, whose import alone takes seconds and hundreds of
megabytes; what comes out is some hundred kilobytes of arrays.
"""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from powergrid.agents.placement import DevicePlace, Placement
from powergrid.cache.folder import CacheFolder, default_folder
from powergrid.cache.maker import present_maker
from powergrid.envs.distribution_grid import DistributionPlacement
from powergrid.envs.network_recipe import NetworkRecipe
from powergrid.powerflow.compilation.compiled_network import (
    CompiledNetwork,
    InjectionRows,
    SwitchNodes,
)
from powergrid.powerflow.element_rows import ElementRows
from powergrid.powerflow.meter import Meter
from powergrid.powerflow.tap_control import TapControl
from powergrid.powerflow.zone import Zone

__all__ = ["PlacedNetwork", "make_placed_network"]

logger = logging.getLogger("powergrid")


@dataclass(frozen=True)
class PlacedNetwork:
    """What an environment needs of its network.

    Attributes
    ----------
    compiled : CompiledNetwork
        The whole network; its pandapower network is built when somebody asks for it.
    agents : mapping of str to Placement
        Where the agents and their devices stand, by name.
    distribution : DistributionPlacement
        What is left.
    warnings : tuple of str
        What a user should know of the connections.
    """

    compiled: CompiledNetwork
    agents: Mapping[str, Placement]
    distribution: DistributionPlacement
    warnings: tuple[str, ...]


CLASSES = (
    CompiledNetwork, DevicePlace, DistributionPlacement, ElementRows, InjectionRows, Meter,
    PlacedNetwork, Placement, SwitchNodes, TapControl, Zone,
)  # fmt: skip


def make_placed_network(recipe: NetworkRecipe) -> PlacedNetwork:
    """Return the network of a recipe: the cached one, else one compiled now, and cached.

    Compiling is announced through the logger "powergrid", with the reason why it is necessary.

    Raises
    ------
    ConfigError
        If the recipe names a bus or transformer that does not exist.
    UnsupportedNetworkError
        If the native power flow does not support the network.
    """
    path = default_folder()
    if path is None:
        return _compile(recipe, "there is no folder for a cache: set HERON_CACHE_DIR")
    folder = CacheFolder(path, "network", present_maker(), CLASSES)
    ingredients = json.dumps(asdict(recipe))
    found = folder.read(ingredients)
    placed: PlacedNetwork
    if found.value is not None:
        placed = found.value
        placed.compiled.build_net_by(recipe.build_with_devices)
        return placed
    placed = _compile(recipe, f"{found.reason} in {path}")
    try:
        folder.write(ingredients, placed)
    except OSError as error:
        _say_once_that_nothing_is_kept(path, str(error))
    return placed


@functools.cache
def _say_once_that_nothing_is_kept(path: Path, why: str) -> None:
    logger.warning(
        "compiled networks cannot be kept in %s (%s): every process compiles its own; "
        "HERON_CACHE_DIR names another folder",
        path, why,
    )  # fmt: skip


def _compile(recipe: NetworkRecipe, why: str) -> PlacedNetwork:
    from powergrid.powerflow.compilation.network import compile_network
    from powergrid.setups.checks import connection_warnings

    names = ", ".join(microgrid.name for microgrid in recipe.microgrids)
    # A warning is what Python shows without being told to; so many seconds want an explanation.
    logger.warning(
        "compiling the network of %s with %s through pandapower takes some seconds: %s",
        recipe.name, names, why,
    )  # fmt: skip
    net = recipe.build()
    warnings = tuple(connection_warnings(net, recipe.name))
    agents = recipe.place(net)
    rest = DistributionPlacement.beside(net, agents, is_regulated=recipe.is_regulated)
    compiled = compile_network(net)
    if compiled.elements.can_open["switch"].any():
        compiled.find_switches()  # kept with it, so that opening them needs no pandapower
    return PlacedNetwork(compiled, agents, rest, warnings)
