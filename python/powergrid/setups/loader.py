"""Find and read setups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from heron.errors import ConfigError, nearest
from powergrid.data.loaders import load_dataset

__all__ = ["SetupNotFoundError", "get_available_setups", "load_dataset", "load_setup"]

SETUPS_DIR = Path(__file__).parent
CONFIG_FILE = "config.yml"

# The compiled one reads the same ten times as fast, and builds nothing but plain values either.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class SetupNotFoundError(ConfigError, FileNotFoundError):
    """There is no setup of that name."""


def get_available_setups() -> list[str]:
    """Return the names of the shipped setups, sorted."""
    return sorted(path.parent.name for path in SETUPS_DIR.glob(f"*/{CONFIG_FILE}"))


def load_setup(setup: str | Path) -> dict[str, Any]:
    """Read a setup's configuration.

    Parameters
    ----------
    setup : str or Path
        Name of a shipped setup, or a folder of your own with a ``config.yml``. A relative
        ``dataset_path`` in it is taken relative to the folder, and the file is read into
        ``dataset``.

    Returns
    -------
    dict
        What an environment takes; change it as you like.

    Raises
    ------
    SetupNotFoundError
        (a ValueError and a FileNotFoundError) if there is none; it lists those that exist.
    ConfigError
        If the file is not a mapping.

    Examples
    --------
    >>> load_setup("ieee34_ieee13")["max_episode_steps"]
    24
    """
    folder = SETUPS_DIR / setup if isinstance(setup, str) else Path(setup)
    if isinstance(setup, str) and not (folder / CONFIG_FILE).is_file():
        folder = Path(setup)
    if folder.name == CONFIG_FILE:
        folder = folder.parent
    if not (folder / CONFIG_FILE).is_file():
        raise SetupNotFoundError(
            f"{nearest(str(setup), get_available_setups(), kind='setup')} "
            f"(or give a folder that has a {CONFIG_FILE})"
        )
    with (folder / CONFIG_FILE).open(encoding="utf-8") as file:
        config = yaml.load(file, Loader=LOADER)
    if not isinstance(config, dict):
        raise ConfigError(f"{folder / CONFIG_FILE} holds {type(config).__name__}, not a mapping")
    if "dataset_path" in config:
        path = folder / config["dataset_path"]
        config["dataset_path"] = str(path)
        config["dataset"] = load_dataset(path)
    return config
