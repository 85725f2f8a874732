"""Environments made from a cached network are those made from a built one."""

from __future__ import annotations

import copy
import logging
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandapower as pp
import pandas as pd
import pytest
from gymnasium.spaces import Box

from powergrid.agents.device_agent import DeviceAgent
from powergrid.agents.registry import DEVICE_REGISTRY
from powergrid.core.features.electrical import ElectricalBasePh
from powergrid.envs import placed_network
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.networks.catalog import NETWORKS
from powergrid.networks.ieee13 import IEEE13Bus
from powergrid.setups.loader import load_setup

Config = dict[str, Any]


class BuiltMicrogrids(MultiAgentMicrogrids):
    """The same environment, whose overridden hook the cache knows nothing of."""

    def _build_net(self) -> pp.pandapowerNet:
        return super()._build_net()


class FuelCell(DeviceAgent):
    """A kind of a user's."""

    def __init__(self, agent_id: str, **kwargs: Any) -> None:
        super().__init__(agent_id, **kwargs)
        self.state.add_feature("electrical", ElectricalBasePh())

    def get_action_space(self) -> Box:
        return Box(0.0, 0.05, shape=(1,), dtype=np.float32)

    def set_device_action(self, action: np.ndarray) -> None:
        self.state.electrical.p_MW = float(action[0])


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder for this test's cache."""
    monkeypatch.setenv("HERON_CACHE_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def unwritable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder that cannot exist, because it would lie inside a file."""
    file = tmp_path / "file"
    file.touch()
    folder = file / "cache"
    monkeypatch.setenv("HERON_CACHE_DIR", str(folder))
    yield folder
    placed_network._say_once_that_nothing_is_kept.cache_clear()


@pytest.fixture(scope="module")
def small_setup() -> Config:
    """Return one microgrid on the feeder of 34 buses, three hours long."""
    setup = load_setup("ieee34_ieee13")
    return {
        "max_episode_steps": 3,
        "dso_config": setup["dso_config"],
        "microgrid_configs": setup["microgrid_configs"][:1],
    }


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the package said since the last time."""
    texts = [r.getMessage() for r in caplog.records if r.name == "powergrid"]
    assert all(r.levelno == logging.WARNING for r in caplog.records if r.name == "powergrid")
    caplog.clear()
    return texts


def episode(env: MultiAgentMicrogrids, seed: int = 7) -> list[Any]:
    """Play an episode of random actions and return all that it shows."""
    observations, infos = env.reset(seed=seed)
    for name, space in env.action_spaces.items():
        space.seed([*b"seed", *name.encode()][-1])
    shown: list[Any] = [observations, infos, env.state()]
    while env.agents:
        shown.append(env.step({name: env.action_space(name).sample() for name in env.agents}))
        shown += [env.state(), env.get_power_grid_metrics()]
    return shown


def compiles(monkeypatch: pytest.MonkeyPatch) -> type[Exception]:
    """Let compiling raise, and return what it raises."""

    class CompiledError(Exception):
        pass

    def refuse(*_: object) -> NoReturn:
        raise CompiledError

    monkeypatch.setattr(placed_network, "_compile", refuse)
    return CompiledError


@pytest.mark.parametrize("name", ["ieee34_ieee13", "ieee123_ieee13"])
def test_episodes_do_not_depend_on_where_the_network_came_from(
    name: str, cache: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {**load_setup(name), "max_episode_steps": 5}
    cold = MultiAgentMicrogrids(config)
    assert len(said(caplog)) == 1
    warm = MultiAgentMicrogrids(config)
    assert said(caplog) == []
    assert len(list(cache.iterdir())) == 1
    built = BuiltMicrogrids(config)
    monkeypatch.setenv("HERON_CACHE_DIR", "/dev/null/no/folder")
    without = MultiAgentMicrogrids(config)
    expected = episode(built)
    for env in (cold, warm, without):
        np.testing.assert_equal(episode(env), expected)  # to the last bit


def test_the_first_use_says_that_there_is_no_cache_yet(
    cache: Path, caplog: pytest.LogCaptureFixture, small_setup: Config
) -> None:
    MultiAgentMicrogrids(small_setup)
    (text,) = said(caplog)
    assert text == (
        "compiling the network of DSO with MG1 through pandapower takes some seconds: "
        f"there is no cache yet in {cache}"
    )


def test_a_user_sees_it_on_the_console_without_any_settings(cache: Path) -> None:
    # pytest takes over logging, so this needs a process of its own.
    code = """
import logging
from powergrid.envs import placed_network
from powergrid.envs.network_recipe import NetworkRecipe
placed_network.logger.warning("compiling")
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stderr == "compiling\n"


@pytest.mark.parametrize(
    "path_and_value",
    [
        ("dso_config.load_scale", 0.4),
        ("dso_config.source_vm_pu", 1.03),
        ("dso_config.network", "ieee123"),
        ("dso_config.line_drop_compensation", False),
        ("microgrid_configs.0.name", "MG9"),
        ("microgrid_configs.0.load_scale", 0.2),
        ("microgrid_configs.0.network", "ieee34"),
        ("microgrid_configs.0.connection_bus", "DSO Bus 858"),
        ("microgrid_configs.0.grid_price", "none"),
        ("microgrid_configs.0.devices.0.name", "gen9"),
        ("microgrid_configs.0.devices.0.bus", "Bus 634"),
        ("microgrid_configs.0.devices.1.e_capacity_MWh", 0.7),
        ("microgrid_configs.0.devices.1.init_soc", 0.6),
        ("microgrid_configs.0.devices.3.transformer", "XFM1"),
    ],
    ids=lambda pair: pair[0],
)
def test_whatever_changes_the_network_compiles_anew(
    path_and_value: tuple[str, Any],
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    small_setup: Config,
) -> None:
    MultiAgentMicrogrids(small_setup)
    path, value = path_and_value
    config: Any = copy.deepcopy(small_setup)
    if value == "none":
        del config["microgrid_configs"][0]["devices"][4]
    *way, last = path.split(".")
    place = config
    for key in way:
        place = place[int(key)] if key.isdigit() else place[key]
    place[last] = value
    with pytest.raises(compiles(monkeypatch)):
        MultiAgentMicrogrids(config)


def test_what_does_not_change_the_network_compiles_nothing(
    cache: Path, caplog: pytest.LogCaptureFixture, small_setup: Config
) -> None:
    MultiAgentMicrogrids(small_setup)
    said(caplog)
    config = copy.deepcopy(small_setup)
    config["microgrid_configs"][0]["devices"][0]["cost_curve_coefs"] = [1.0, 1.0, 0.0]
    config["microgrid_configs"][0]["load_area"] = None
    config["dso_config"]["capacitors_off_below"] = 0.9
    env = MultiAgentMicrogrids({**config, "penalty": 3.0, "uniform_spaces": False})
    assert said(caplog) == []
    assert env.agent_dict["MG1"].devices["gen1"].config.cost_curve_coefs[0] == 1.0  # type: ignore[attr-defined]


def test_a_changed_configuration_says_so(
    cache: Path, caplog: pytest.LogCaptureFixture, small_setup: Config
) -> None:
    MultiAgentMicrogrids(small_setup)
    said(caplog)
    changed = copy.deepcopy(small_setup)
    changed["dso_config"]["source_vm_pu"] = 1.02
    env = MultiAgentMicrogrids(changed)
    (text,) = said(caplog)
    assert "the configuration is new or has changed" in text
    env.reset(seed=0, options={"day": 0})
    assert env.power_flow.result.vm_pu[0] == pytest.approx(1.02)
    MultiAgentMicrogrids(small_setup)  # the other is still there
    assert said(caplog) == []


@pytest.mark.parametrize("spoil", ["truncated", "flipped", "emptied", "of another version"])
def test_a_bad_file_is_rebuilt(
    spoil: str, cache: Path, caplog: pytest.LogCaptureFixture, small_setup: Config
) -> None:
    expected = episode(MultiAgentMicrogrids(small_setup))
    said(caplog)
    (file,) = cache.iterdir()
    content = bytearray(file.read_bytes())
    if spoil == "flipped":
        content[len(content) // 2] ^= 1
    file.write_bytes(
        {"truncated": content[:-100], "emptied": b""}.get(spoil, content)  # type: ignore[arg-type]
    )
    if spoil == "of another version":
        file.rename(file.with_name(file.name.replace("-heron", "-heron0.0.")))
    np.testing.assert_equal(episode(MultiAgentMicrogrids(small_setup)), expected)
    (text,) = said(caplog)
    assert ("is damaged" in text) == (spoil != "of another version")
    assert ("is of another version of heron or pandapower" in text) != ("is damaged" in text)
    np.testing.assert_equal(episode(MultiAgentMicrogrids(small_setup)), expected)
    assert said(caplog) == []


def test_a_folder_that_cannot_be_written_is_done_without_and_said_once(
    unwritable: Path, caplog: pytest.LogCaptureFixture, small_setup: Config
) -> None:
    shown = [episode(MultiAgentMicrogrids(small_setup)) for _ in range(2)]
    texts = said(caplog)
    assert [text.split(" ", 2)[:2] for text in texts] == [
        ["compiling", "the"], ["compiled", "networks"], ["compiling", "the"],
    ]  # fmt: skip
    assert f"compiled networks cannot be kept in {unwritable}" in texts[1]
    np.testing.assert_equal(shown[0], shown[1])


def test_networks_and_agents_of_ones_own_are_left_alone(
    cache: Path, caplog: pytest.LogCaptureFixture, small_setup: Config,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def my_feeder(name: str = "", *, load_scale: float = 1.0) -> pp.pandapowerNet:
        return IEEE13Bus(name, load_scale=load_scale)

    BuiltMicrogrids(small_setup)
    MultiAgentMicrogrids({**small_setup, "power_flow": "pandapower"})
    monkeypatch.setitem(NETWORKS, "ieee13", my_feeder)
    MultiAgentMicrogrids(small_setup)
    assert said(caplog) == []
    assert not list(cache.iterdir())


def test_devices_of_a_users_kind_count_by_what_they_want_of_the_network(
    cache: Path, caplog: pytest.LogCaptureFixture, small_setup: Config,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setitem(DEVICE_REGISTRY, "FuelCell", FuelCell)
    config = copy.deepcopy(small_setup)
    config["microgrid_configs"][0]["devices"].append(
        {"type": "FuelCell", "name": "fc1", "bus": "Bus 675"}
    )
    cold = MultiAgentMicrogrids(config)
    assert len(said(caplog)) == 1
    warm = MultiAgentMicrogrids(config)
    assert said(caplog) == []
    assert warm.agent_dict["MG1"].devices["fc1"].pp_idx >= 0
    expected = episode(BuiltMicrogrids(config))
    np.testing.assert_equal(episode(cold), expected)
    np.testing.assert_equal(episode(warm), expected)
    monkeypatch.setattr(FuelCell, "element", "")  # now it adds nothing to the network
    with pytest.raises(compiles(monkeypatch)):
        MultiAgentMicrogrids(config)


def test_warnings_of_connections_are_given_each_time(cache: Path, small_setup: Config) -> None:
    config = copy.deepcopy(small_setup)
    config["microgrid_configs"][0] |= {"connection_bus": "DSO Bus 890", "load_scale": 0.5}
    for _ in range(2):
        with pytest.warns(UserWarning, match="MG1 is connected at DSO Bus 890, behind") as caught:
            MultiAgentMicrogrids(config)
        assert caught[0].filename == __file__


def assert_same_network(one: pp.pandapowerNet, other: pp.pandapowerNet) -> None:
    tables = [name for name, table in one.items() if isinstance(table, pd.DataFrame)]
    assert {"bus", "trafo", "storage", "res_bus", "res_sgen", "res_trafo"} <= set(tables)
    for name in tables:
        pd.testing.assert_frame_equal(one[name], other[name], check_exact=True, obj=name)
    assert one["heron_pcc"] == other["heron_pcc"]


def test_the_network_is_built_on_demand_and_is_the_same(cache: Path, small_setup: Config) -> None:
    cold, warm = MultiAgentMicrogrids(small_setup), MultiAgentMicrogrids(small_setup)
    for env in (cold, warm):
        env.reset(seed=3)
        env.step({"MG1": env.action_space("MG1").high})
    assert warm.power_flow.flow.compiled._net is None  # type: ignore[attr-defined]
    assert_same_network(warm.net, cold.net)
    assert warm.net is warm.net
    assert warm.agent_dict["MG1"].net is warm.net
    assert_same_network(warm.power_flow.to_pandapower(), cold.power_flow.to_pandapower())


@pytest.mark.parametrize("has_net", [False, True])
@pytest.mark.parametrize(
    "twin", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))], ids=["copy", "pickle"]
)
def test_copies_of_a_warm_environment_go_on_alike(
    twin: Callable[[MultiAgentMicrogrids], MultiAgentMicrogrids],
    has_net: bool,
    cache: Path,
    small_setup: Config,
) -> None:
    MultiAgentMicrogrids(small_setup)
    env = MultiAgentMicrogrids(small_setup)
    env.reset(seed=3)
    if has_net:
        assert env.net.converged
    other = twin(env)
    actions = [{"MG1": env.action_space("MG1").sample()} for _ in range(3)]
    for action in actions:
        np.testing.assert_equal(other.step(action), env.step(action))
    assert other.net is not env.net
    assert_same_network(other.net, env.net)


def test_environments_of_one_file_do_not_share_their_network(
    cache: Path, small_setup: Config
) -> None:
    MultiAgentMicrogrids(small_setup)
    one, other = MultiAgentMicrogrids(small_setup), MultiAgentMicrogrids(small_setup)
    one.net.load["p_mw"] = 0.0
    assert other.net.load["p_mw"].max() > 0.0


EIGHT = """
import hashlib, os, traceback
import numpy as np
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.setups.loader import load_setup

setup = load_setup("ieee34_ieee13")
config = {"dso_config": setup["dso_config"], "microgrid_configs": setup["microgrid_configs"][:1]}

def answer():
    env = MultiAgentMicrogrids(config)
    env.reset(seed=1)
    shown = env.step({"MG1": np.ones(env.action_space("MG1").shape, np.float32)})
    return hashlib.sha256(env.state().tobytes() + shown[0]["MG1"].tobytes()).digest()

# Once before forking: eight imports of pandapower would take most of the time.
folder = os.environ["HERON_CACHE_DIR"]
os.environ["HERON_CACHE_DIR"] = "/dev/null/no/folder"
expected = answer()
os.environ["HERON_CACHE_DIR"] = folder
start, go = os.pipe()
children = []
for _ in range(8):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(go)
        os.read(start, 1)  # until the parent closes its end
        try:
            os.write(write, answer())
        except BaseException:
            traceback.print_exc()
        os._exit(0)
    os.close(write)
    children.append(read)
os.close(go)
answers = [os.read(read, 32) for read in children]
for _ in children:
    os.wait()
print(answers.count(expected))
"""


def test_eight_processes_at_once_on_an_empty_cache(cache: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", EIGHT], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["8"], run.stderr
    assert run.stderr.count("there is no cache yet") >= 2  # so they did meet
    assert "Traceback" not in run.stderr
    assert len(list(cache.iterdir())) == 1
