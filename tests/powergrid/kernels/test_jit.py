"""Compiled kernels are kept where they can be found again, and only there."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from powergrid.kernels.jit import lanes
from powergrid.kernels.scalar import denormalize

SCRIPT = """
import numpy as np
from powergrid.kernels.jit import kernel, lanes

@kernel
def double(values, first, last):
    for lane in lanes(first, last):
        values[lane] *= 2.0
"""


def load(path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


def test_a_script_can_be_loaded_by_another_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "script.py"
    path.write_text(SCRIPT, encoding="utf-8")
    for name in ("as_first_named", "as_named_later"):
        with monkeypatch.context() as context:
            module = load(path, name, context)
            values = module.np.ones(5)
            module.double(values, 1, 3)
            assert values.tolist() == [1.0, 2.0, 2.0, 1.0, 1.0]
    assert [p.name for p in tmp_path.rglob("*.nb?")] == []


def test_kernels_of_a_package_are_kept_on_disk() -> None:
    assert denormalize.stats.cache_path is not None


def test_code_without_a_file_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, object] = {"__name__": "some.prompt"}
    exec(compile(SCRIPT, "<prompt>", "exec"), names)
    values = names["np"].ones(2)  # type: ignore[attr-defined]
    names["double"](values, 0, 2)  # type: ignore[operator]
    assert values.tolist() == [2.0, 2.0]


def test_lanes_count_in_plain_python_too() -> None:
    assert list(lanes(2, 5)) == [2, 3, 4]
