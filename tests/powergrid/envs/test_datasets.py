"""The forms in which an environment is given its series."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from heron.errors import ConfigError
from powergrid.data.restricted_pickle import RefusedPickleError
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.setups.loader import load_setup


def first_price(env: Any, agent: str = "A") -> float:
    env.reset(seed=0, options={"day": 0})
    price: float = env.agent_dict[agent].state.market.price
    return price


def test_without_data_load_is_one_and_the_price_50(make_villages: Callable[..., Any]) -> None:
    env = make_villages(dataset=None)
    assert first_price(env) == 50.0
    env.step({agent: env.idle_action(agent) for agent in env.agents})
    assert env.agent_dict["A"].state.grid.total_load_MW == pytest.approx(0.25)
    assert env.agent_dict["A"].devices["pv"].available_power == 0.0


def test_one_series_serves_every_area(
    small_config: dict[str, Any], env_of_config: Callable[..., Any]
) -> None:
    small_config["microgrid_configs"][0]["load_area"] = "anywhere"
    small_config["microgrid_configs"][1]["load_area"] = "elsewhere"
    env = env_of_config(small_config)
    price = small_config["dataset"]["train"]["price"][0]
    assert first_price(env, "A") == first_price(env, "B") == price


def test_named_areas_go_to_the_agents_that_name_them(
    small_config: dict[str, Any], env_of_config: Callable[..., Any]
) -> None:
    small_config["dataset"] = {"train": {"price": {"N": [30.0] * 24, "S": [70.0] * 24}}}
    small_config["microgrid_configs"][1]["load_area"] = "S"
    env = env_of_config(small_config)
    assert first_price(env, "A") == 30.0  # names none: the first
    assert first_price(env, "B") == 70.0


def test_a_day_repeats_through_a_year(make_villages: Callable[..., Any]) -> None:
    price = np.arange(24.0) + 10.0
    env = make_villages(dataset={"train": {"price": price, "load": np.full(8760, 0.6)}})
    env.reset(seed=0, options={"day": 200})
    env.step({agent: env.idle_action(agent) for agent in env.agents})
    assert env.agent_dict["A"].state.market.price == 11.0


def test_an_empty_split_is_an_error_only_when_it_is_chosen(
    make_villages: Callable[..., Any],
) -> None:
    data = {"train": {"price": [50.0] * 24}, "test": {}}
    make_villages(dataset=data)
    with pytest.raises(ConfigError, match=r"the dataset has no 'test' split; it holds .*train"):
        make_villages(dataset=data, train=False)


@pytest.mark.parametrize(
    ("train", "said"),
    [
        ({"prices": [1.0]}, "unknown kind 'prices'; did you mean 'price'"),
        ({"load": [0.5, np.nan]}, "series train/load has 1 NaN or infinite values"),
        ({"load": [-0.5]}, "series train/load is -0.5 in row 0"),
        ({"solar": [300.0]}, "expected values per unit of the rating"),
        ({"load": [1.0] * 24, "price": [1.0] * 7}, "7 rows, which do not divide"),
    ],
)
def test_a_bad_series_is_named(
    make_villages: Callable[..., Any], train: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        make_villages(dataset={"train": train})


def test_a_file_is_read_by_its_path(make_villages: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "mine.npz"
    np.savez(file, **{"train/price": np.full(24, 61.0)})
    assert first_price(make_villages(dataset=None, dataset_path=str(file))) == 61.0


def test_a_file_of_ones_own_replaces_the_series_of_the_default_setup(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("split,price,load\n" + "train,42.0,0.5\n" * 24, encoding="utf-8")
    env = MultiAgentMicrogrids({"dataset_path": str(file), "max_episode_steps": 2})
    assert env.possible_agents == ["MG1", "MG2", "MG3"]
    assert first_price(env, "MG2") == 42.0


@pytest.fixture
def own_setup(tmp_path: Path, small_config: dict[str, Any]) -> Path:
    """Return a user's folder with a configuration and a pickle beside it."""
    data = small_config.pop("dataset")
    with (tmp_path / "data.pkl").open("wb") as file:
        pickle.dump(data, file)
    config = {**small_config, "dataset_path": "data.pkl"}
    (tmp_path / "config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return tmp_path


def test_a_setup_folder_of_ones_own_brings_its_pickle(
    own_setup: Path, env_of_config: Callable[..., Any], draw_series: Callable[..., Any]
) -> None:
    config = load_setup(own_setup)
    assert config["dataset_path"] == str(own_setup / "data.pkl")
    assert first_price(env_of_config(config)) == draw_series(seed=1)["price"][0]
    assert first_price(env_of_config(load_setup(str(own_setup)))) == draw_series(seed=1)["price"][0]


class Malice:
    """Whose pickle would run a command."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("raise SystemExit('the pickle ran')",))


def test_a_pickle_that_would_run_code_is_refused(own_setup: Path) -> None:
    with (own_setup / "data.pkl").open("wb") as file:
        pickle.dump({"train": {"load": Malice()}}, file)
    with pytest.raises(RefusedPickleError, match="exec"):
        load_setup(own_setup)
