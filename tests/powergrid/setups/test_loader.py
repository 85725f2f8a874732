"""Finding and reading setups."""

from __future__ import annotations

from pathlib import Path

import pytest

from heron.errors import ConfigError
from powergrid.setups.loader import SetupNotFoundError, get_available_setups, load_setup


def test_the_shipped_setups_are_found() -> None:
    assert get_available_setups() == ["ieee123_ieee13", "ieee34_ieee13"]


@pytest.mark.parametrize("kind", [ValueError, FileNotFoundError, SetupNotFoundError])
def test_an_unknown_setup_is_named_with_those_there_are(kind: type[Exception]) -> None:
    said = "unknown setup 'ieee34_ieee31'; did you mean 'ieee34_ieee13'.*'ieee123_ieee13'"
    with pytest.raises(kind, match=said):
        load_setup("ieee34_ieee31")


def test_each_load_is_a_copy_of_its_own() -> None:
    load_setup("ieee34_ieee13")["microgrid_configs"].clear()
    assert len(load_setup("ieee34_ieee13")["microgrid_configs"]) == 3


def test_a_folder_of_ones_own_is_a_setup(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text("max_episode_steps: 5\n", encoding="utf-8")
    assert load_setup(tmp_path) == load_setup(str(tmp_path)) == {"max_episode_steps": 5}


def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text("- one\n- two\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="holds list, not a mapping"):
        load_setup(tmp_path)


def test_a_missing_data_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text("dataset_path: gone.npz\n", encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=r"no dataset file at .*gone\.npz"):
        load_setup(tmp_path)
