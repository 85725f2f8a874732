"""What a block of the documents must have brought about, beyond running without an error.

A check gets the names of its document's blocks so far. It runs in the folder that the blocks ran
in, and finds there what they wrote.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from seed_documents import Place
from seed_substitutions import CASE_STUDY, FROM_SCRATCH

from heron.protocols.vertical import SetpointProtocol
from heron.scheduling import JitterType
from powergrid.agents.generator import Generator
from powergrid.agents.power_grid_agent import DEVICE_REGISTRY
from powergrid.data import shipped_dataset
from powergrid.envs.config import MicrogridsConfig
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.networks import IEEE13Bus, IEEE34Bus, merge_microgrid
from powergrid.setups.loader import load_setup

__all__ = ["CHECKS"]

Names = dict[str, Any]
SETUP = Path("setups") / "ieee34_ieee13"


def run_days(env: Any, n_step: int) -> None:
    """Play steps of doing nothing; each must be solved, and pay."""
    observations, _ = env.reset(seed=0)
    assert list(observations) == env.possible_agents
    for _ in range(n_step):
        actions = {agent: env.idle_action(agent) for agent in env.possible_agents}
        observations, rewards, _, _, infos = env.step(actions)
        assert all(infos[agent]["converged"] for agent in env.possible_agents)
        assert all(np.isfinite(reward) for reward in rewards.values())
        assert all(np.isfinite(seen).all() for seen in observations.values())


# --- the case study -------------------------------------------------------------------------------


def timings_are_drawn(names: Names) -> None:
    config = names["config"]
    assert config.jitter_type is JitterType.GAUSSIAN
    drawn = [config.get_tick_interval() for _ in range(200)]
    assert len(set(drawn)) == 200
    assert np.mean(drawn) == pytest.approx(60.0, rel=0.1)


def metrics_are_those_of_the_episode(names: Names) -> None:
    assert names["metrics"]["total_cost"] != 0.0
    assert 0.0 < names["metrics"]["cooperation_score"] <= 1.0
    assert len(set(names["rewards"].values())) == 1  # shared


def training_is_centralized(names: Names) -> None:
    assert names["env"].centralized
    assert names["env"].share_reward


def the_episode_is_over(names: Names) -> None:
    assert names["done"]
    assert not names["env"].centralized
    assert all(names["truncateds"].values()) or all(names["terminateds"].values())


def the_setup_is_loaded(names: Names) -> None:
    assert [mg["name"] for mg in names["config"]["microgrid_configs"]] == ["MG1", "MG2", "MG3"]


def the_own_environment_runs(names: Names) -> None:
    env = names["MyPowerGridEnv"]({"max_episode_steps": 3})
    run_days(env, 3)
    assert env.agents == []
    assert env.agent_dict["MG1"].tick_config.act_delay == 2.0
    assert list(env.heron_agents) == ["MG1", "MG1/gen1", "MG1/ess1"]


# --- the guide from scratch -----------------------------------------------------------------------


def features_survive_a_round_trip(names: Names) -> None:
    kind = names["ElectricalBasePh"]
    block = kind.from_array(np.array([1.0, -2.0, 0.97, 3.0]))
    assert (block.p_MW, block.q_MVAr, block.v_pu, block.va_deg) == (1.0, -2.0, 0.97, 3.0)
    assert kind.from_array(block.to_array()) == block


def storage_has_its_names(names: Names) -> None:
    block = names["StorageBlock"](soc=0.7)
    assert block.names() == ["soc", "e_capacity_MWh", "e_stored_MWh", "ch_eff", "dsc_eff"]
    assert block.to_array()[0] == 0.7


def networks_take_as_many_buses_as_there_are(names: Names) -> None:
    voltages = names["BusVoltages"]()
    voltages.vm_pu = np.linspace(0.95, 1.05, 14)
    assert voltages.to_array().size == 16
    assert names["LineFlows"]().max_loading == 0.0


def the_base_of_devices_asks_for_methods(names: Names) -> None:
    device = names["DeviceAgent"]("unit", device_state_config={"bus": "Bus 633"})
    with pytest.raises(NotImplementedError):
        device.set_device_action(np.zeros(1))


def the_generator_maps_its_action(names: Names) -> None:
    config = {"bus": "Bus 633", "p_max_MW": 2.0, "p_min_MW": 0.5}
    unit = names["Generator"]("gen1", config)
    assert unit.get_action_space().shape == (2,)
    unit.set_device_action(np.array([0.0, 1.0]))
    assert unit.state.electrical.p_MW == pytest.approx(1.25)
    assert unit.state.electrical.q_MVAr == pytest.approx(5.0)
    unit.update_cost_safety()
    assert unit.cost == pytest.approx(0.02 * 1.25**2 + 10.0 * 1.25)
    assert unit.safety == 0.0
    names["GuidesGenerator"] = names["Generator"]  # the next blocks import the package's


def the_battery_stays_inside_its_limits(names: Names) -> None:
    battery = names["ESS"]("ess1", {"bus": "Bus 634", "e_capacity_MWh": 2.0})
    for action in (1.0, -1.0, -1.0, -1.0):
        battery.set_device_action(np.array([action]))
        battery.update_state()
        assert 0.1 <= battery.state.storage.soc <= 0.9
    assert battery.state.storage.soc == pytest.approx(0.9)
    names["GuidesESS"] = names["ESS"]


def the_guides_agent_solves_a_step(names: Names) -> None:
    """With the guide's own devices, and with those of the package."""
    devices = [
        {"type": "Generator", "name": "gen1", "device_state_config": {
            "bus": "Bus 633", "p_max_MW": 2.0, "p_min_MW": 0.5, "q_max_MVAr": 0.5,
            "q_min_MVAr": -0.5}},
        {"type": "ESS", "name": "ess1", "device_state_config": {
            "bus": "Bus 634", "e_capacity_MWh": 5.0, "p_max_MW": 1.0, "p_min_MW": -1.0}},
    ]  # fmt: skip
    for own in (False, True):
        if own:  # its methods look these names up when they run
            names["Generator"], names["ESS"] = names["GuidesGenerator"], names["GuidesESS"]
            names["DEVICE_REGISTRY"] = {"Generator": names["Generator"], "ESS": names["ESS"]}
        agent = names["PowerGridAgent"](
            IEEE13Bus(), {"name": "MG1", "devices": devices}, SetpointProtocol()
        )
        voltage = []
        for p in (-1.0, 1.0):
            agent.step(np.array([p, 0.0, 0.0]))
            assert agent.devices["gen1"].state.electrical.p_MW == pytest.approx(1.25 + 0.75 * p)
            voltage.append(agent.devices["gen1"].state.electrical.v_pu)
        assert voltage[1] > voltage[0]  # power raises the voltage where it is fed in
        assert agent.cost == pytest.approx(0.02 * 2.0**2 + 10.0 * 2.0)
        assert agent.safety > 0.0  # the bare feeder leaves 0.95 to 1.05 p.u.
        assert np.isfinite(agent.get_observation()).all()
        assert set(agent.get_action_space()) == {"gen1", "ess1"}


def the_guides_base_environment_runs(names: Names) -> None:
    class OneGrid(names["NetworkedGridEnv"]):
        def _build_net(self) -> Any:
            return IEEE13Bus("MG1")

        def _build_agents(self) -> None:
            devices = [{"type": "Generator", "name": "gen1", "bus": "Bus 633", "p_max_MW": 2.0}]
            agent = names["PowerGridAgent"](
                self.net, {"name": "MG1", "devices": devices}, SetpointProtocol()
            )
            self.agent_dict = {"MG1": agent}
            self.possible_agents = ["MG1"]

        def _reward_and_safety(self) -> tuple[dict[str, float], dict[str, float]]:
            agent = self.agent_dict["MG1"]
            return {"MG1": -agent.cost}, {"MG1": agent.safety}

    env = OneGrid({"max_episode_steps": 2})
    observations, _ = env.reset(seed=0)
    assert env.observation_space("MG1").shape == observations["MG1"].shape
    for is_last in (False, True):
        *_, rewards, _, truncateds, infos = env.step({"MG1": np.array([1.0, 0.0])})
        cost, safety = infos["MG1"]["cost"], infos["MG1"]["safety"]
        assert rewards["MG1"] == pytest.approx(-cost - 10.0 * safety)
        assert truncateds["__all__"] is is_last


def the_guides_microgrids_run_on_a_merged_network(names: Names) -> None:
    """Its own _build_net calls a function that pandapower does not have."""

    class Merged(names["MultiAgentMicrogrids"]):
        config_model = MicrogridsConfig  # which knows microgrid_configs

        def _build_net(self) -> Any:
            net = IEEE34Bus("DSO", load_scale=0.5)
            for microgrid in self.env_config["microgrid_configs"]:
                own = IEEE13Bus(microgrid["name"])
                net = merge_microgrid(net, own, microgrid["connection_bus"], load_scale=0.1)
            return net

    assert not issubclass(names["MultiAgentMicrogrids"], MultiAgentMicrogrids)
    setup = load_setup("ieee34_ieee13")
    config = {key: setup[key] for key in ("microgrid_configs", "dso_config")}
    run_days(Merged({**config, "dataset": shipped_dataset()}), 2)


def the_configuration_is_a_valid_one(names: Names) -> None:
    config = MicrogridsConfig.model_validate(names["yaml"])
    assert [mg.name for mg in config.microgrid_configs] == ["MG1", "MG2", "MG3"]
    assert config.max_episode_steps == 96


def the_setup_of_both_files_runs(names: Names) -> None:
    """Run the configuration some lines above with the series that this block wrote."""
    shutil.move("data.pkl", SETUP / "data.pkl")
    with pytest.warns(UserWarning, match="MG3 is connected at DSO Bus 890, behind"):
        env = MultiAgentMicrogrids(load_setup(SETUP.resolve()))
    run_days(env, 3)
    assert np.array_equal(
        load_setup(SETUP.resolve())["dataset"]["train"]["price"], names["dataset"]["train"]["price"]
    )


def the_loader_finds_that_setup(names: Names) -> None:
    assert names["get_available_setups"]() == ["ieee34_ieee13"]
    loaded = names["load_setup"]("ieee34_ieee13")
    assert loaded["max_episode_steps"] == 96
    assert loaded["dataset"]["train"]["load"].shape == (8760,)
    with pytest.raises(ValueError, match="not found"):
        names["load_setup"]("nowhere")


def the_training_left_a_checkpoint(names: Names) -> None:
    printed = Path("printed.txt").read_text(encoding="utf-8")
    assert "Iteration 1: Reward = -" in printed
    assert json.loads(Path("checkpoints/mappo/rllib_checkpoint.json").read_text(encoding="utf-8"))


def the_reward_is_what_the_environment_pays(names: Names) -> None:
    assert names["reward"] == -17.0


def the_bonus_is_paid(names: Names) -> None:
    plain = MultiAgentMicrogrids(load_setup("ieee34_ieee13") | {"share_reward": False})
    steady = names["SteadyVoltages"](load_setup("ieee34_ieee13") | {"share_reward": False})
    paid = []
    for env in (plain, steady):
        env.reset(seed=0)
        paid.append(env.step({agent: env.idle_action(agent) for agent in env.agents})[1])
    v_max = steady.agent_dict["MG1"].state.bus_voltages.v_max
    bonus = 0.1 * (1.0 - abs(v_max - 1.0))
    assert paid[1]["MG1"] == pytest.approx(paid[0]["MG1"] + bonus)


def the_guides_protocols_split_and_ask(names: Names) -> None:
    unit = Generator(
        "gen1",
        {"bus": "Bus 633", "p_max_MW": 2.0, "cost_curve_coefs": [0.0, 40.0, 0.0]},
    )
    split = names["SetpointProtocol"]().coordinate(np.array([0.1, 0.2]), {"gen1": unit})
    assert split["gen1"].tolist() == [0.1, 0.2]
    dear = names["PriceSignalProtocol"]().coordinate(80.0, {"gen1": unit})
    cheap = names["PriceSignalProtocol"]().coordinate(20.0, {"gen1": unit})
    assert dear["gen1"][0] == 1.0
    assert cheap["gen1"][0] == -1.0


def agents_are_distributed(names: Names) -> None:
    assert not names["env"].centralized
    run_days(names["env"], 2)


def the_turbine_can_be_named_in_a_configuration(names: Names) -> None:
    assert DEVICE_REGISTRY["WindTurbine"] is names["WindTurbine"]
    config = load_setup("ieee34_ieee13")
    config["microgrid_configs"][2]["devices"] = [
        {"type": "WindTurbine", "name": "w", "bus": "Bus 675", "p_rated_MW": 0.2}
    ]
    env = MultiAgentMicrogrids(config)
    env.reset(seed=0, options={"day": 242})
    turbine = env.agent_dict["MG3"].devices["w"]
    row = next(i for i, name in enumerate(env.action_names("MG3")) if "Wind" in name)
    for entry, share in ((1.0, 1.0), (0.0, 0.5), (-1.0, 0.0)):
        offered = turbine.available_power
        actions = {agent: env.idle_action(agent) for agent in env.agents}
        actions["MG3"][row] = entry
        env.step(actions)
        assert offered > 0.0
        assert turbine.state.electrical.p_MW == pytest.approx(share * offered)
        assert turbine.cost == pytest.approx(5.0 * (1.0 - share) * offered)


def the_set_point_is_clipped(names: Names) -> None:
    assert names["p_setpoint"] == 2.0


def observations_fit_their_spaces(names: Names) -> None:
    assert len(names["obs"]) == names["env"].observation_spaces[names["agent_id"]].shape[0]


def the_flat_space_has_all_entries(names: Names) -> None:
    n_entry = sum(space.shape[0] for space in names["action_space"].spaces.values())
    assert names["flat_space"].shape == (n_entry,)


def the_options_are_taken(names: Names) -> None:
    assert names["config"].train_batch_size == 2000
    assert names["config"].num_envs_per_env_runner == 1


def the_bus_exists(names: Names) -> None:
    assert names["device_state_config"]["bus"] in set(names["net"].bus["name"])


def the_network_is_solved(names: Names) -> None:
    assert names["net"].res_bus["vm_pu"].between(0.9, 1.1).all()


CHECKS: Mapping[Place, Callable[[Names], None]] = {
    (CASE_STUDY, 68): timings_are_drawn,
    (CASE_STUDY, 173): metrics_are_those_of_the_episode,
    (CASE_STUDY, 208): training_is_centralized,
    (CASE_STUDY, 219): the_episode_is_over,
    (CASE_STUDY, 315): the_setup_is_loaded,
    (CASE_STUDY, 329): the_own_environment_runs,
    (FROM_SCRATCH, 298): features_survive_a_round_trip,
    (FROM_SCRATCH, 333): storage_has_its_names,
    (FROM_SCRATCH, 360): networks_take_as_many_buses_as_there_are,
    (FROM_SCRATCH, 401): the_base_of_devices_asks_for_methods,
    (FROM_SCRATCH, 458): the_generator_maps_its_action,
    (FROM_SCRATCH, 543): the_battery_stays_inside_its_limits,
    (FROM_SCRATCH, 620): the_guides_agent_solves_a_step,
    (FROM_SCRATCH, 856): the_guides_base_environment_runs,
    (FROM_SCRATCH, 1023): the_guides_microgrids_run_on_a_merged_network,
    (FROM_SCRATCH, 1108): the_configuration_is_a_valid_one,
    (FROM_SCRATCH, 1166): the_setup_of_both_files_runs,
    (FROM_SCRATCH, 1189): the_loader_finds_that_setup,
    (FROM_SCRATCH, 1235): the_training_left_a_checkpoint,
    (FROM_SCRATCH, 1344): the_reward_is_what_the_environment_pays,
    (FROM_SCRATCH, 1366): the_bonus_is_paid,
    (FROM_SCRATCH, 1386): the_guides_protocols_split_and_ask,
    (FROM_SCRATCH, 1428): agents_are_distributed,
    (FROM_SCRATCH, 1451): the_turbine_can_be_named_in_a_configuration,
    (FROM_SCRATCH, 1526): the_set_point_is_clipped,
    (FROM_SCRATCH, 1543): observations_fit_their_spaces,
    (FROM_SCRATCH, 1555): the_flat_space_has_all_entries,
    (FROM_SCRATCH, 1583): the_options_are_taken,
    (FROM_SCRATCH, 1596): the_bus_exists,
    (FROM_SCRATCH, 1616): the_network_is_solved,
}
