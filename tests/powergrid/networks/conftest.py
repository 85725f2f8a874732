"""Networks and reference values that several tests share."""

from __future__ import annotations

import copy
import csv
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from powergrid.networks import IEEE13Bus, IEEE34Bus, merge_microgrid

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.fixture(scope="session")
def golden() -> Callable[[str], dict[str, Any]]:
    """Return a reader of the JSON files of reference values."""

    def read(name: str) -> dict[str, Any]:
        values: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
        return values

    return read


@pytest.fixture(scope="session")
def profile() -> tuple[list[str], dict[str, list[float]]]:
    """Return the operating points and the voltages of each bus of the default fused grid."""
    text = (DATA / "combined_default_profile.csv").read_text(encoding="utf-8")
    header, *rows = csv.reader(text.splitlines())
    return header[1:], {row[0]: [float(v) for v in row[1:]] for row in rows}


@pytest.fixture(scope="session")
def opendss_twin() -> ModuleType:
    """Return the module that solves a balanced network with OpenDSS."""
    spec = importlib.util.spec_from_file_location("golden_123", DATA / "make_golden_123.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# A network takes a quarter of a second to build. Those of session scope are shared: a test that
# changes one works on a copy.


@pytest.fixture(scope="session")
def dso() -> Any:
    """Return IEEE34 named DSO; not to be changed."""
    return IEEE34Bus("DSO")


@pytest.fixture(scope="session")
def mg1() -> Any:
    """Return IEEE13 named MG1; not to be changed."""
    return IEEE13Bus("MG1")


@pytest.fixture(scope="session")
def built_fused_grid() -> Any:
    """Return the network of `fused_grid`; not to be changed."""
    net = IEEE34Bus("DSO", regulators="ideal", load_scale=0.5)
    net.ext_grid["vm_pu"] = 1.04
    for name, bus in (("MG1", "850"), ("MG2", "858"), ("MG3", "834")):
        microgrid = IEEE13Bus(name, regulators="ideal")
        net = merge_microgrid(net, microgrid, f"DSO Bus {bus}", load_scale=0.1)
    return net


@pytest.fixture
def fused_grid(built_fused_grid: Any) -> Any:
    """Return IEEE34 at half load with three IEEE13 microgrids, regulators ideal."""
    return copy.deepcopy(built_fused_grid)
