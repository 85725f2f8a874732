"""The installed distribution is complete: compiled modules, types and data travel with it."""

from __future__ import annotations

import importlib
from importlib import metadata, resources

import pytest


@pytest.mark.parametrize("package", ["heron", "powergrid"])
def test_the_package_ships_its_types(package: str) -> None:
    files = resources.files(package)
    assert files.joinpath("py.typed").is_file()
    assert files.joinpath("_core.pyi").is_file()


@pytest.mark.parametrize("package", ["heron", "powergrid"])
def test_the_stub_names_what_the_compiled_module_has(package: str) -> None:
    core = importlib.import_module(f"{package}._core")
    stub = resources.files(package).joinpath("_core.pyi").read_text(encoding="utf-8")
    public = [name for name in vars(core) if not name.startswith("_")]
    assert public
    for name in public:
        assert f"class {name}:" in stub or f"def {name}(" in stub


def test_the_version_is_that_of_the_distribution() -> None:
    assert importlib.import_module("heron").__version__ == metadata.version("heron")
