"""Spaces, and the names of what is in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Box, MultiDiscrete

DEVICES_OF_A = [
    *(f"gen.{field}" for field in ("p_MW", "q_MVAr", "v_pu", "p_max_MW", "p_min_MW", "status")),
    *(f"store.{field}" for field in ("p_MW", "q_MVAr", "v_pu", "soc", "e_capacity_MWh")),
    *(f"pv.{field}" for field in ("p_MW", "q_MVAr", "v_pu", "available_p_MW")),
    *(f"pcc.{field}" for field in ("p_MW", "q_MVAr", "v_pu")),
]
DEVICES_OF_B = [
    *(f"store.{field}" for field in ("p_MW", "q_MVAr", "v_pu", "soc", "e_capacity_MWh")),
    *(f"wind.{field}" for field in ("p_MW", "q_MVAr", "v_pu", "available_p_MW")),
    *(f"reg.{field}" for field in ("p_MW", "q_MVAr", "v_pu", "tap")),
    *(f"grid.{field}" for field in ("p_MW", "q_MVAr", "v_pu")),
]
SURROUNDINGS = [
    *("grid.v_min", "grid.v_max", "grid.max_line_loading", "grid.total_load_MW", "price"),
    *("sin_hour", "cos_hour", "sin_weekday", "cos_weekday"),
    *(f"forecast.{kind}[{k}]" for kind in ("price", "load", "solar", "wind") for k in range(3)),
]
# Own names, to those of the shared layout.
SLOTS_OF_A = {"gen": "Generator0", "store": "ESS0", "pv": "SolarPlant0", "pcc": "Grid0"}
SLOTS_OF_B = {"store": "ESS0", "wind": "WindPlant0", "reg": "Transformer0", "grid": "Grid0"}


@pytest.fixture(scope="module")
def own(make_villages: Callable[..., Any]) -> Any:
    """Return an environment in which every agent has its own spaces."""
    return make_villages(uniform_spaces=False)


def value(env: Any, observation: np.ndarray, agent: str, name: str) -> float:
    return float(observation[env.observation_names(agent).index(name)])


def test_own_layouts_list_devices_in_order_then_surroundings(own: Any) -> None:
    assert own.observation_names("A") == DEVICES_OF_A + SURROUNDINGS
    assert own.observation_names("B") == DEVICES_OF_B + SURROUNDINGS
    assert own.action_names("A") == ["gen.p", "gen.q", "gen.commitment", "store.p", "pv.share"]
    assert own.action_names("B") == ["store.p", "store.q", "wind.share", "wind.q", "reg.tap"]


def test_own_spaces_are_as_long_as_their_names(own: Any) -> None:
    for agent in ("A", "B"):
        space = own.observation_space(agent)
        assert space.shape == (len(own.observation_names(agent)),)
        assert space.dtype == np.float32
        assert own.action_space(agent) == Box(-1.0, 1.0, (5,), np.float32)


def test_shared_spaces_are_one_for_all(small: Any) -> None:
    assert small.observation_space("A") == small.observation_space("B")
    assert small.action_space("A") == small.action_space("B")
    assert small.action_names("A") == small.action_names("B")
    names = small.observation_names("A")
    assert names == small.observation_names("B")
    assert names[-2:] == ["is[A]", "is[B]"]
    assert names[-2 - len(SURROUNDINGS) : -2] == SURROUNDINGS
    assert len(set(names)) == len(names)


def test_a_shared_observation_shows_the_same_values_and_zeros_for_the_rest(
    small: Any, own: Any
) -> None:
    shared_observations, _ = small.reset(seed=5)
    own_observations, _ = own.reset(seed=5)
    for agent, slots in (("A", SLOTS_OF_A), ("B", SLOTS_OF_B)):
        shown = set(SURROUNDINGS)
        for name in own.observation_names(agent)[: -len(SURROUNDINGS)]:
            device, field = name.split(".")
            shown.add(f"{slots[device]}.{field}")
            assert value(own, own_observations[agent], agent, name) == value(
                small, shared_observations[agent], agent, f"{slots[device]}.{field}"
            )
        for name, entry in zip(
            small.observation_names(agent), shared_observations[agent], strict=True
        ):
            if name.startswith("is["):
                assert entry == float(name == f"is[{agent}]")
            elif name not in shown:
                assert entry == 0.0


def test_entries_of_devices_that_an_agent_lacks_are_ignored(small: Any) -> None:
    names = small.action_names("A")
    foreign = [names.index(n) for n in ("WindPlant0.share", "WindPlant0.q", "Transformer0.tap")]
    after = []
    for filler in (-1.0, 1.0):
        small.reset(seed=2)
        action = np.full(9, 0.3)
        action[foreign] = filler
        observations, *_ = small.step({"A": action, "B": np.zeros(9)})
        after.append(observations["A"].tobytes())
    assert after[0] == after[1]


def test_both_layouts_lead_to_the_same_episode(small: Any, own: Any) -> None:
    small.reset(seed=5)
    own.reset(seed=5)
    rng = np.random.default_rng(0)
    for _ in range(3):
        shared = {agent: rng.uniform(-1.0, 1.0, 9) for agent in ("A", "B")}
        mine = {}
        for agent, slots in (("A", SLOTS_OF_A), ("B", SLOTS_OF_B)):
            mine[agent] = np.array(
                [
                    shared[agent][
                        small.action_names(agent).index(
                            f"{slots[n.split('.')[0]]}.{n.split('.')[1]}"
                        )
                    ]
                    for n in own.action_names(agent)
                ]
            )
        _, rewards, *_, infos = small.step(shared)
        _, same, *_, others = own.step(mine)
        assert rewards == same
        assert infos == others


def test_the_dict_mode_leads_to_the_same_episode(
    small: Any, make_villages: Callable[..., Any]
) -> None:
    env = make_villages(action_mode="dict")
    space = env.action_space("A")
    assert space["c"] == Box(-1.0, 1.0, (7,), np.float32)
    assert space["d"] == MultiDiscrete([2, 3])
    assert space == env.action_space("B")
    small.reset(seed=5)
    env.reset(seed=5)
    rng = np.random.default_rng(0)
    for _ in range(3):
        flat = {a: rng.uniform(-1, 1, 9).astype(np.float32) for a in ("A", "B")}
        parts = {a: env.agent_dict[a].action_layout.unflatten(flat[a]) for a in flat}
        assert all(space.contains(p) for p in parts.values())
        assert small.step(flat)[1] == env.step(parts)[1]


def test_bus_voltages_are_observed_on_request(
    small: Any, make_villages: Callable[..., Any]
) -> None:
    env = make_villages(observe_bus_voltages=True)
    observations, _ = env.reset(seed=1)
    buses = [f"bus[{k}].vm_pu" for k in range(3)]
    assert env.observation_names("A")[-5:] == [*buses, "is[A]", "is[B]"]
    assert env.observation_names("A")[:-5] == small.observation_names("A")[:-2]
    for agent in ("A", "B"):
        rows = env.net.bus["zone"] == agent
        vm = env.net.res_bus.vm_pu[rows].to_numpy()
        assert observations[agent][-5:-2] == pytest.approx(vm)


def test_normalisation_is_a_fixed_scaling(small: Any, make_villages: Callable[..., Any]) -> None:
    env = make_villages(normalize_obs=True)
    raw, _ = small.reset(seed=1)
    scaled, _ = env.reset(seed=1)
    names = env.observation_names("A")
    assert names == small.observation_names("A")
    assert np.abs(scaled["A"]).max() < 12.0
    for name, offset, scale in (
        ("price", 50.0, 50.0),
        ("forecast.price[1]", 50.0, 50.0),
        ("grid.v_min", 1.0, 0.05),
        ("ESS0.v_pu", 1.0, 0.05),
        ("grid.max_line_loading", 0.0, 100.0),
        ("Transformer0.tap", 0.0, 16.0),
        ("ESS0.soc", 0.0, 1.0),
        ("is[A]", 0.0, 1.0),
    ):
        k = names.index(name)
        assert scaled["A"][k] == pytest.approx((raw["A"][k] - offset) / scale, abs=2e-5)


def test_normalisation_divides_powers_by_the_base_power(
    small_config: dict[str, Any], env_of_config: Callable[..., Any]
) -> None:
    small_config["microgrid_configs"][0]["base_power"] = 0.25
    plain = env_of_config(small_config)
    scaled = env_of_config({**small_config, "normalize_obs": True})
    before, _ = plain.reset(seed=1)
    after, _ = scaled.reset(seed=1)
    for name in ("grid.total_load_MW", "ESS0.e_capacity_MWh", "Generator0.p_max_MW", "Grid0.p_MW"):
        k = plain.observation_names("A").index(name)
        assert before["A"][k] > 0.0
        assert after["A"][k] == pytest.approx(4.0 * before["A"][k])


def test_observations_are_of_the_declared_space(small: Any) -> None:
    observations, _ = small.reset(seed=1)
    while small.agents:
        actions = {a: small.action_space(a).sample() for a in small.agents}
        observations, *_ = small.step(actions)
        for agent, observation in observations.items():
            assert observation.dtype == np.float32
            assert small.observation_space(agent).contains(observation)


def test_the_state_is_the_whole_table(small: Any) -> None:
    small.reset(seed=1)
    state = small.state()
    assert small.state_space.contains(state)
    assert len(small.state_names) == len(set(small.state_names)) == len(state)
    for slot in (
        "A.market.price",
        "A/store.storage.soc",
        "B/reg.tap.tap",
        "B.bus_voltages.vm_pu[2]",
    ):
        assert slot in small.state_names
    price = state[small.state_names.index("A.market.price")]
    assert price == np.float32(small.agent_dict["A"].state.market.price)


def test_the_idle_action_rests_in_both_modes(small: Any, make_villages: Callable[..., Any]) -> None:
    assert small.action_space("A").contains(small.idle_action("A"))
    env = make_villages(action_mode="dict")
    for mode in (small, env):
        mode.reset(seed=1, options={"day": 0})
        for _ in range(3):
            mode.step({agent: mode.idle_action(agent) for agent in mode.agents})
            a, b = (mode.agent_dict[name].devices for name in ("A", "B"))
            for device in (a["store"], b["store"], a["gen"]):
                electrical = device.state.electrical
                assert (electrical.p_MW, electrical.q_MVAr) == pytest.approx((0.0, 0.0), abs=1e-12)
            wind = b["wind"].state
            taken = wind.electrical.p_MW
            share = mode.config.dataset["train"]["wind"][mode._k - 1]
            assert taken == pytest.approx(0.15 * share)
            assert b["reg"].state.tap.tap == 0.0
