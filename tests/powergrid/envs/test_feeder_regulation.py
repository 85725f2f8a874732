"""The distribution grid looks after itself: regulators and capacitors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from powergrid.powerflow.tap_control import TapControl


def idle(env: Any) -> dict[str, Any]:
    return {agent: env.idle_action(agent) for agent in env.agents}


def test_regulators_come_to_rest_within_a_step(ieee34: Any) -> None:
    ieee34.reset(seed=0, options={"day": 200})
    first = ieee34.get_power_grid_metrics()["tap_positions"]
    moved = set()
    control = ieee34.distribution.tap_control
    assert isinstance(control, TapControl)
    while ieee34.agents:
        ieee34.step(idle(ieee34))
        assert not control.moves(ieee34.power_flow).any()
        taps = ieee34.get_power_grid_metrics()["tap_positions"]
        moved |= {name for name in taps if taps[name] != first[name]}
    assert moved
    assert moved <= {"DSO REG1", "DSO REG2"}


def test_regulators_of_microgrids_are_left_to_their_agents(ieee34: Any) -> None:
    names = ieee34.net.trafo["name"].iloc[ieee34.distribution.tap_control.rows]
    assert names.tolist() == ["DSO REG1", "DSO REG2"]


def test_compiled_regulators_take_the_rounds_of_the_readable_ones(ieee34: Any) -> None:
    episodes = []
    for is_compiled in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            if not is_compiled:
                settle = ieee34.distribution.tap_control.settle
                patch.setattr(ieee34.distribution, "solve", settle)
            ieee34.reset(seed=0, options={"day": 200})
            before = ieee34.power_flow.n_solve
            steps = []
            while ieee34.agents:
                ieee34.step(idle(ieee34))
                steps.append(
                    (
                        ieee34.get_power_grid_metrics()["tap_positions"],
                        ieee34.power_flow.n_solve - before,
                        ieee34.power_flow.result.vm_pu.tolist(),
                    )
                )
            episodes.append(steps)
    assert episodes[0] == episodes[1]
    assert episodes[0][-1][1] > len(episodes[0])  # some step took more than one solve


def test_an_agents_tap_moves_the_voltage_behind_it(small: Any) -> None:
    # The position is the agent's: one step up raises what hangs behind by 0.625 %.
    voltage = []
    for tap in (0.0, 1.0):
        small.reset(seed=0, options={"day": 0})
        actions = idle(small)
        actions["B"][small.action_names("B").index("Transformer0.tap")] = tap
        small.step(actions)
        voltage.append(small.agent_dict["B"].state.bus_voltages.vm_pu.copy())
    assert voltage[1][1:] == pytest.approx(1.00625 * voltage[0][1:], rel=3e-4)
    assert voltage[1][0] == pytest.approx(voltage[0][0], rel=3e-4)


def test_capacitors_are_off_at_low_load(
    small_config: dict[str, Any], env_of_config: Callable[..., Any]
) -> None:
    load = np.array([0.8, 0.4, 0.6] * 8)
    config = {**small_config, "dataset": {"train": {"load": load}}}
    config["dso_config"]["capacitors_off_below"] = 0.5
    env = env_of_config(config)
    assert env.distribution.capacitor_rows.size == 1
    given = []
    env.reset(seed=0, options={"day": 0})
    for _ in range(3):
        env.step(idle(env))
        given.append(env.net.res_shunt.q_mvar.iloc[0] < 0.0)
    assert given == [True, False, True]


def test_a_feeder_without_regulators_has_nothing_to_settle(
    make_villages: Callable[..., Any],
) -> None:
    env = make_villages(dso_config={"name": "D", "line_drop_compensation": True})
    assert env.distribution.tap_control is None
    env.reset(seed=0)
    n_solve = env.power_flow.n_solve
    env.step(idle(env))
    assert env.power_flow.n_solve == n_solve + 1
