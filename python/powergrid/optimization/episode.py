"""Optimal power flow of an environment's episode, all of it foreseen."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from heron.errors import ConfigError, nearest
from powergrid.agents.device_agent import DeviceAgent
from powergrid.agents.grid import Grid
from powergrid.agents.power_grid_agent import PowerGridAgent
from powergrid.engine.lane_flow import LaneFlow
from powergrid.engine.meters import meter_terms
from powergrid.optimization.dispatch import Horizon, cheapest_schedule
from powergrid.optimization.exchange import Exchange
from powergrid.optimization.foresight import perfect_horizon
from powergrid.optimization.grid_model import GridModel
from powergrid.optimization.limits import OpfLimits
from powergrid.optimization.opf import OptimalFlow, optimal_power_flow
from powergrid.optimization.opf_case import OpfCase, copy_of
from powergrid.optimization.units import Unit
from powergrid.powerflow.native_flow import NativeFlow

if TYPE_CHECKING:
    from powergrid.envs.networked_grid_env import NetworkedGridEnv

__all__ = ["COMMITMENTS", "episode_case", "optimal_episode"]

COMMITMENTS = ("relaxed", "planned")
MOST_ROUNDS = 5  # of settling the regulators


def episode_case(
    env: NetworkedGridEnv,
    day: int | None = None,
    *,
    seed: int | None = None,
    commitment: str = "relaxed",
    end_soc: float | None = None,
) -> OpfCase:
    """Begin an episode (the environment is reset) and return it as a case, one lane a step.

    Loads, sun, wind and prices are those that will come true; capacitors follow the load. Taps stay
    where they are: those of agents at the start of the episode, those of regulators where they
    settle in each step while the devices rest. Write to ``case.flow.tap_pos`` for others.

    Units are called "MG1/ess1", exchanges "MG1/grid1".

    Parameters
    ----------
    env : NetworkedGridEnv
        With the native power flow.
    day, seed : int, optional
        As for `NetworkedGridEnv.reset`.
    commitment : str
        "relaxed": statuses may be fractional, so that no policy within the limits costs less.
        "planned": those of each agent's cheapest schedule without the network, which is a dispatch
        that can be carried out.
    end_soc : float, optional
        Least state of charge of every battery at the end.

    Raises
    ------
    ConfigError
        If the environment's power flow is not native, or a device's costs are not known.
    """
    if commitment not in COMMITMENTS:
        raise ConfigError(nearest(commitment, COMMITMENTS, kind="commitment"))
    source = env.power_flow.flow
    if not isinstance(source, NativeFlow):
        raise ConfigError("an optimal power flow needs the native one: power_flow: native")
    env.reset(seed=seed, options={} if day is None else {"day": day})
    flow = _flow_of_episode(env, source)
    units: list[Unit] = []
    exchanges: list[Exchange] = []
    for agent in env.agent_dict.values():
        model, horizon = perfect_horizon(env, agent)
        is_on = {}
        if commitment == "planned" and any(u.commitment for u in model.generators.values()):
            is_on = cheapest_schedule(model, horizon).is_on
        units += [
            _unit(agent, name, device, horizon, is_on, end_soc)
            for name, device in agent.devices.items()
            if name in {**model.generators, **model.batteries, **model.renewables}
        ]
        if model.meter is not None:
            exchanges.append(_exchange(agent, model, horizon, flow))
    return OpfCase(flow, units, exchanges, env.config.step_s / 3600.0)


def optimal_episode(
    env: NetworkedGridEnv,
    day: int | None = None,
    *,
    seed: int | None = None,
    commitment: str = "relaxed",
    end_soc: float | None = None,
    limits: OpfLimits | None = None,
) -> OptimalFlow:
    """Return the dispatch of an episode that costs least; see `episode_case`.

    The environment's regulators first settle under the dispatch: the relaxation is solved, they
    move to where its dispatch wants them, it is solved again, until they stay. Then it is solved
    with the `limits`. Voltages and loadings are limits here, where the environment's reward has a
    penalty.
    """
    case = episode_case(env, day, seed=seed, commitment=commitment, end_soc=end_soc)
    limits = OpfLimits() if limits is None else limits
    control = env.distribution.tap_control
    if control is None:
        return optimal_power_flow(case, limits=limits)
    relaxed = replace(limits, upper="relaxed")
    for _ in range(MOST_ROUNDS):
        result = optimal_power_flow(case, limits=relaxed)
        settled = copy_of(result.flow)
        settled.settle_lanes(control.compiled(settled), 0, settled.n_lane)
        if np.array_equal(settled.tap_pos, case.flow.tap_pos, equal_nan=True):
            if limits.upper == "relaxed":
                return result
            break
        case.flow.tap_pos[:] = settled.tap_pos
    return optimal_power_flow(case, limits=limits)


def _flow_of_episode(env: NetworkedGridEnv, source: NativeFlow) -> NativeFlow:
    """Return a power flow with the loads of every step, and the regulators where they settle."""
    flow = source.with_lanes(env.max_episode_steps)
    flow.tap_pos[:] = env.power_flow.tap_pos[:, np.newaxis]
    flow.sgen_p_mw[:] = flow.sgen_q_mvar[:] = flow.storage_p_mw[:] = flow.storage_q_mvar[:] = 0.0
    for k in range(env.max_episode_steps):
        lane = flow.lane(k)
        env.distribution.write_setpoints(lane, k)
        for agent in env.agent_dict.values():
            assert agent.window is not None
            multiplier = float(agent.window.actual["load"][k]) * agent.load_factor
            agent.zone.write_loads(lane, multiplier)
    control = env.distribution.tap_control
    if control is not None:
        flow.settle_lanes(control.compiled(flow), 0, flow.n_lane)
    return flow


def _unit(
    agent: PowerGridAgent,
    name: str,
    device: DeviceAgent,
    horizon: Horizon,
    is_on: dict[str, NDArray[np.float64]],
    end_soc: float | None,
) -> Unit:
    config = device.config
    status = is_on.get(name) if getattr(config, "commitment", False) else None
    return Unit(
        name=f"{agent.agent_id}/{name}",
        table=device.element,
        number=device.pp_idx,
        config=config,
        available_mw=horizon.available_mw.get(name),
        soc=horizon.soc.get(name),
        end_soc=end_soc if name in horizon.soc else None,
        was_on=horizon.is_on.get(name, False),
        is_on=None if status is None else np.round(status).astype(bool),
    )


def _exchange(
    agent: PowerGridAgent, model: GridModel, horizon: Horizon, flow: NativeFlow
) -> Exchange:
    device = next(d for d in agent.devices.values() if isinstance(d, Grid))
    terms = meter_terms(device, agent.meter, LaneFlow(flow, None))
    assert terms is not None
    return Exchange(
        name=f"{agent.agent_id}/{device.agent_id}",
        price=model.connection.price_scale * horizon.price,
        terms=terms,
        sell_ratio=model.connection.sell_ratio,
        s_rated_mva=model.s_rated_mva or float("inf"),
    )
