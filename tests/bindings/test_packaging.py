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


def test_every_network_builds_from_the_shipped_facts() -> None:
    networks = importlib.import_module("powergrid.networks")
    for build in (networks.IEEE13Bus, networks.IEEE34Bus, networks.IEEE123Bus):
        assert len(build("G").load) > 0


def test_the_shipped_series_match_their_checksums() -> None:
    shipped = importlib.import_module("powergrid.data.shipped")
    assert "BANC" in shipped.shipped_dataset()["train"]["load"]


def test_every_shipped_setup_loads() -> None:
    loader = importlib.import_module("powergrid.setups.loader")
    setups = loader.get_available_setups()
    assert "ieee34_ieee13" in setups
    for name in setups:
        assert loader.load_setup(name)


def test_the_project_templates_are_shipped() -> None:
    template = resources.files("heron").joinpath("templates", "powergrid")
    for name in ("pyproject.toml", ".gitignore", "package/setups/village/config.yml"):
        assert template.joinpath(f"{name}.template").is_file(), name


def test_the_version_is_that_of_the_distribution() -> None:
    assert importlib.import_module("heron").__version__ == metadata.version("heron")
