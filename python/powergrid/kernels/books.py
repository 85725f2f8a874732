"""Cost, safety and reward of an interval, agent by agent.

All arrays are float64, C-contiguous, (n_row, n_lane); index lists are int32.
"""

from __future__ import annotations

from typing import Any

from powergrid.kernels.jit import kernel, lanes

__all__ = ["add_rates", "pay", "sum_up"]

Array = Any


@kernel
def add_rates(
    rate: Array,
    order: Array,
    part_of_rate: Array,
    dt_h: float,
    part: Array,
    first: int,
    last: int,
) -> None:
    """Sum cost rates up to the parts of the agents' costs.

    Parameters
    ----------
    rate : (n_rate, n_lane)
        Cost rates of devices by cause [$/h].
    order, part_of_rate : (n_rate,)
        In which order they are added, and to which part.
    dt_h : float
        Length of the interval [h].
    part : (n_part, n_lane)
        Written: cost by agent and cause [$].
    """
    for i in range(part.shape[0]):
        for lane in lanes(first, last):
            part[i, lane] = 0.0
    for k in range(order.shape[0]):
        i = order[k]
        to = part_of_rate[i]
        for lane in lanes(first, last):
            part[to, lane] += rate[i, lane] * dt_h


@kernel
def sum_up(
    part: Array,
    part_row: Array,
    agent_of_part: Array,
    device_safety: Array,
    agent_of_device: Array,
    deviation: Array,
    overload: Array,
    distribution: int,
    cost: Array,
    violation: Array,
    safety: Array,
    first: int,
    last: int,
) -> None:
    """Sum costs and violations up to their agents.

    Parameters
    ----------
    part : (n_row, n_lane)
        Cost by cause and agent [$].
    part_row, agent_of_part : (n_part,)
        Which rows count, in which order they are added, and to whose cost.
    device_safety : (n_device, n_lane)
        Violations of devices; `agent_of_device`, (n_device,), says whose.
    deviation, overload : (n_zone, n_lane)
        Violations of voltages and of lines by zone: the agents' in their order, and under the
        number `distribution` those that all agents share.
    cost, safety : (n_agent, n_lane)
        Written: sums over the parts.
    violation : (4, n_agent, n_lane)
        Written: violations of devices, voltages, lines, and the share of the distribution grid's.
    """
    n_agent = cost.shape[0]
    for agent in range(n_agent):
        for lane in lanes(first, last):
            cost[agent, lane] = 0.0
            violation[0, agent, lane] = 0.0
            violation[1, agent, lane] = deviation[agent, lane]
            violation[2, agent, lane] = overload[agent, lane]
            shared = deviation[distribution, lane] + overload[distribution, lane]
            violation[3, agent, lane] = shared / n_agent
    for k in range(part_row.shape[0]):
        i, agent = part_row[k], agent_of_part[k]
        for lane in lanes(first, last):
            cost[agent, lane] += part[i, lane]
    for device in range(device_safety.shape[0]):
        agent = agent_of_device[device]
        for lane in lanes(first, last):
            violation[0, agent, lane] += device_safety[device, lane]
    for agent in range(n_agent):
        for lane in lanes(first, last):
            own = violation[0, agent, lane] + violation[1, agent, lane]
            safety[agent, lane] = own + violation[2, agent, lane] + violation[3, agent, lane]


@kernel
def pay(
    cost: Array,
    safety: Array,
    status: Array,
    penalty: float,
    is_shared: bool,
    failure_reward: float,
    failure_safety: float,
    counted: Array,
    reward: Array,
    episode: Array,
    first: int,
    last: int,
) -> None:
    """Turn cost and safety into rewards, and add all three to the episode's sums.

    Parameters
    ----------
    cost, safety : (n_agent, n_lane)
        Of the interval.
    status : int8, (n_lane,)
        Where it is not 0 the power flow failed: `failure_reward` and `failure_safety` count.
    counted : (n_agent, n_lane)
        Written: the safety that counts.
    reward : (n_lane, n_agent)
        Written: ``-cost - penalty * safety``, each agent's own or everybody's mean.
    episode : (3, n_agent, n_lane)
        Sums of cost, safety and reward; added to.
    """
    n_agent = cost.shape[0]
    for lane in lanes(first, last):
        total = 0.0
        for agent in range(n_agent):
            gain, violation = -cost[agent, lane], safety[agent, lane]
            if status[lane] != 0:
                gain, violation = failure_reward, failure_safety
            counted[agent, lane] = violation
            reward[lane, agent] = gain - penalty * violation
            total += reward[lane, agent]
        for agent in range(n_agent):
            if is_shared:
                reward[lane, agent] = total / n_agent
            episode[0, agent, lane] += cost[agent, lane]
            episode[1, agent, lane] += counted[agent, lane]
            episode[2, agent, lane] += reward[lane, agent]
