"""The configuration of the user guide: generators of 2 MW beside a tenth of an IEEE 13 feeder.

Idle devices are feasible on it; its reactive limits of 5 Mvar behind a connection of 0.5 MVA are
not, so bad actions have no power flow solution at all.
"""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.setups.loader import load_setup

CONFIG = """\
dataset_path: data.pkl
train: true
penalty: 10.0
share_reward: true
max_episode_steps: 96

dso_config: {name: DSO, network: ieee34, load_area: BANC}

microgrid_configs:
  - name: MG1
    connection_bus: "DSO Bus 850"
    base_power: 1.0
    load_scale: 0.1
    devices:
      - type: Generator
        name: gen1
        device_state_config:
          bus: "Bus 633"
          p_max_MW: 2.0
          p_min_MW: 0.5
          cost_curve_coefs: [0.02, 10.0, 0.0]
      - type: ESS
        name: ess1
        device_state_config:
          bus: "Bus 634"
          e_capacity_MWh: 5.0
          p_max_MW: 1.0
          p_min_MW: -1.0
          init_soc: 0.5
  - name: MG2
    connection_bus: "DSO Bus 860"
    devices:
      - type: Generator
        name: gen2
        device_state_config: {bus: "Bus 633", p_max_MW: 1.5, p_min_MW: 0.3}
  - name: MG3
    connection_bus: "DSO Bus CONNECTION"
    devices:
      - type: ESS
        name: ess3
        device_state_config: {bus: "Bus 680", e_capacity_MWh: 3.0}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a user's folder of setups with the guide's kind of data."""
    rng = np.random.default_rng(0)
    data = {
        "train": {
            "load": rng.uniform(0.5, 1.2, 8760),
            "solar": np.maximum(0.0, np.sin(np.linspace(0.0, 2.0 * np.pi, 24))),
            "wind": rng.uniform(0.2, 0.8, 8760),
            "price": 30.0 + 20.0 * rng.random(8760),
        },
        "test": {},
    }
    base = tmp_path_factory.mktemp("setups")
    for bus in ("834", "890"):
        (base / bus).mkdir()
        (base / bus / "config.yml").write_text(CONFIG.replace("CONNECTION", bus), encoding="utf-8")
        with (base / bus / "data.pkl").open("wb") as file:
            pickle.dump(data, file)
    return base


def absorb(env: Any) -> dict[str, Any]:
    """Return actions that take 5 Mvar through each generator's connection."""
    return {agent: -np.ones(env.action_space(agent).shape) for agent in env.agents}


def test_four_days_run_with_every_step_solved(folder: Path) -> None:
    env = MultiAgentMicrogrids(load_setup(folder / "834"))
    env.reset(seed=0)
    shared = []
    while env.agents:
        actions = {agent: env.idle_action(agent) for agent in env.agents}
        _, rewards, terminated, _, infos = env.step(actions)
        assert all(info["converged"] for info in infos.values())
        assert len(set(rewards.values())) == 1
        assert not any(terminated.values())
        shared.append(rewards["MG1"])
    assert len(shared) == 96
    assert np.isfinite(shared).all()


def test_at_the_guides_own_bus_the_loader_warns_and_says_what_to_change(folder: Path) -> None:
    with pytest.warns(
        UserWarning, match="MG3 is connected at DSO Bus 890, behind DSO XFM-1"
    ) as told:
        MultiAgentMicrogrids(load_setup(folder / "890"))
    assert len(told) == 1
    text = str(told[0].message)
    assert "Connect it upstream of that transformer, for example at DSO Bus 832" in text
    assert "or lower its load_scale" in text


@pytest.fixture(scope="module")
def badly_served(folder: Path) -> dict[str, Any]:
    return load_setup(folder / "890")


def make_quietly(config: dict[str, Any]) -> MultiAgentMicrogrids:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return MultiAgentMicrogrids(config)


def test_a_step_without_solution_ends_the_episode_there(badly_served: dict[str, Any]) -> None:
    env = make_quietly(badly_served)
    env.reset(seed=0)
    observations, rewards, terminated, truncated, infos = env.step(absorb(env))
    assert infos["MG1"]["converged"] is False
    assert rewards == dict.fromkeys(("MG1", "MG2", "MG3"), -400.0)
    assert all(terminated.values())
    assert not any(truncated.values())
    assert env.agents == []
    assert all(np.isfinite(observation).all() for observation in observations.values())


def test_or_goes_on_with_finite_rewards(badly_served: dict[str, Any]) -> None:
    env = make_quietly({**badly_served, "on_convergence_failure": "continue"})
    env.reset(seed=0)
    solved = []
    for k in range(6):
        actions = absorb(env) if k % 2 else {a: env.idle_action(a) for a in env.agents}
        observations, rewards, terminated, _, infos = env.step(actions)
        solved.append(infos["MG1"]["converged"])
        assert np.isfinite(list(rewards.values())).all()
        assert all(np.isfinite(observation).all() for observation in observations.values())
        assert not any(terminated.values())
    assert solved == [True, False] * 3
