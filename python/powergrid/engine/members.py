"""The devices of an environment, and by which road each of them runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heron.protocols.vertical import SetpointProtocol
from powergrid.agents.device_agent import DeviceAgent
from powergrid.agents.device_kind import kernels_of
from powergrid.kernels.device_kernels import DeviceKernels

if TYPE_CHECKING:
    from powergrid.agents.power_grid_agent import PowerGridAgent

__all__ = ["Member", "acts_by_itself", "members_of"]


@dataclass(frozen=True)
class Member:
    """A device and its place.

    Attributes
    ----------
    agent : int
        Number of its agent.
    owner : str
        Name of its features' owner in the table, "MG1/ess1".
    kernels : DeviceKernels or None
        None: it runs by the hooks of its class, lane by lane.
    """

    agent: int
    owner: str
    device: DeviceAgent
    kernels: DeviceKernels | None


def acts_by_itself(agent: PowerGridAgent) -> bool:
    """Return whether an agent's protocol is more than a split of its action.

    The engine knows the split by heart. Any other protocol is asked in every step, and the agent's
    devices then all run by their hooks.
    """
    return type(agent.protocol) is not SetpointProtocol


def members_of(agents: Sequence[PowerGridAgent]) -> list[Member]:
    """Return all devices in the agents' and their own order."""
    return [
        Member(
            number,
            f"{agent.agent_id}/{device_id}",
            device,
            None if acts_by_itself(agent) else kernels_of(device),
        )
        for number, agent in enumerate(agents)
        for device_id, device in agent.devices.items()
    ]
