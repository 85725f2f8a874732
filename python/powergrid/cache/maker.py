"""What made a cached result: versions of packages, and the code itself."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import heron

__all__ = ["Maker", "present_maker", "source_hash"]

# Everything that has a say in a network, its placements or their encoding: modules, and packages
# with all their files.
SOURCES = (
    "powergrid.agents.attach",
    "powergrid.agents.placement",
    "powergrid.cache",
    "powergrid.envs.distribution_grid",
    "powergrid.envs.network_recipe",
    "powergrid.envs.placed_network",
    "powergrid.networks",
    "powergrid.powerflow",
    "powergrid.setups.checks",
)
SUFFIXES = (".py", ".json")


@dataclass(frozen=True)
class Maker:
    """Versions, and a hash of the files of `SOURCES`, so that a changed line counts too."""

    heron: str
    pandapower: str
    source: str


@functools.cache
def present_maker() -> Maker:
    """Return what would make a result now; neither pandapower nor the sources are imported."""
    return Maker(heron.__version__, version("pandapower"), source_hash(SOURCES))


def source_hash(names: Sequence[str]) -> str:
    """Return a hash of the files of modules and packages, by name; nothing of them is imported."""
    found = hashlib.sha256()
    for name in names:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        path = Path(spec.origin)
        if spec.submodule_search_locations is None:
            files = [path]
        else:
            files = sorted(f for f in path.parent.rglob("*") if f.suffix in SUFFIXES)
        for file in files:
            found.update(f"{name}/{file.name}\0".encode())
            found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()
