"""The base of every power device.

A device kind says what an action means (`set_device_action`), how its state moves on
(`update_state`) and what that costs (`update_cost_safety`). The environment calls the three in
this order, with one power flow between the first two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from gymnasium.spaces import Box, Space

from heron.agents.field_agent import FIELD_LEVEL, FieldAgent
from heron.core.action import action_dim
from heron.core.policies import Policy
from heron.protocols.base import Protocol
from powergrid.agents.told import Told
from powergrid.core.config import StrictModel
from powergrid.core.state.state import DeviceState
from powergrid.kernels.device_kernels import DeviceKernels

if TYPE_CHECKING:
    from powergrid.agents.placement import DevicePlace

__all__ = ["DeviceAgent", "DeviceConfig"]


class DeviceConfig(StrictModel):
    """What every built-in device with terminals of its own is told."""

    bus: str


class DeviceAgent(FieldAgent):
    """A power device: state, limits, cost and safety of one unit.

    Parameters
    ----------
    agent_id : str
        Name, unique within the grid.
    policy, protocol : optional
        As for every field agent.
    device_state_config : mapping, optional
        Parameters of the kind; each kind documents its own.

    Attributes
    ----------
    cost : float
        Operating cost rate [$/h] after `update_cost_safety`.
    safety : float
        Limit violation, dimensionless, 0 inside the limits.
    cost_parts : dict[str, float]
        `cost` by cause [$/h]; a kind may leave it empty, see `cost_by_cause`.
    dt : float
        Length of the interval that the next action rules [h]; set by the environment.
    is_out, is_stuck : bool
        Whether a disturbance keeps it from injecting anything, or from moving.
    pp_idx, bus_idx : int
        Row of the device in its pandapower table and of its bus, -1 before it is in a network.
    """

    # pandapower table that represents the kind: "sgen", "storage", "trafo" (an existing one), or ""
    # for a kind that only meters. A kind that says nothing injects as a static generator.
    element: ClassVar[str] = "sgen"
    # Fields a coordinator observes of this kind, (feature, field); None: every scalar of the state.
    observed: ClassVar[tuple[tuple[str, str], ...] | None] = None
    # Entries of the action that are a move, done once when commanded, and not a state to hold.
    momentary_actions: ClassVar[tuple[int, ...]] = ()
    # The same kind for all environments of a batch at once, see `DeviceKernels`: a declaration, or
    # where to import one from when it is needed, "package.module:NAME". None: by the hooks below.
    # A class that overrides a hook further down runs by its hooks too.
    kernels: ClassVar[str | DeviceKernels | None] = None

    # Told by the engine, where one steps the device by kernels.
    cost: float = Told()  # type: ignore[assignment]
    safety: float = Told()  # type: ignore[assignment]
    cost_parts: dict[str, float] = Told()  # type: ignore[assignment]

    def __init__(
        self,
        agent_id: str,
        policy: Policy | None = None,
        protocol: Protocol | None = None,
        device_state_config: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(agent_id=agent_id, policy=policy, protocol=protocol, **kwargs)
        self.state = DeviceState(owner_id=agent_id, owner_level=FIELD_LEVEL)
        self.kind = type(self).__name__  # the name in the registry, if it came from there
        self.cost = 0.0
        self.safety = 0.0
        self.cost_parts = {}
        self.dt = 1.0
        self.is_out = self.is_stuck = False
        self.pp_idx = -1
        self.bus_idx = -1
        self._config = dict(device_state_config or {})

    @property
    def bus_name(self) -> str | None:
        """The bus that the configuration names, None if it names none."""
        config = getattr(self, "config", None)
        return getattr(config, "bus", None) or self._config.get("bus")

    def get_action_space(self) -> Space[Any]:
        """Return the space that `set_device_action` accepts; one number in [-1, 1] by default."""
        return Box(low=-1.0, high=1.0, shape=(1,), dtype=np.float32)

    def action_names(self) -> list[str]:
        """Return a name for each entry of an action, continuous ones first."""
        return [f"a{i}" for i in range(action_dim(self.get_action_space()))]

    def idle_action(self) -> np.ndarray:
        """Return the action of doing nothing: zeros, moved into the action space.

        Returns
        -------
        ndarray, (n,)
            Continuous entries in the units of the space, then discrete ones as integers.
        """
        space = self.get_action_space()
        if isinstance(space, Box):
            return np.clip(np.zeros(space.shape), space.low, space.high).astype(np.float64)
        return np.zeros(action_dim(space))

    def respond_to_price(self, price: float) -> np.ndarray:
        """Return the action that a price [$/MWh] calls for; the idle one unless a kind knows."""
        return self.idle_action()

    def kernel_parameters(self) -> Sequence[float]:
        """Return the values of the parameters that `kernels` names, in its order, then its tail."""
        return ()

    def set_device_action(self, action: np.ndarray) -> None:
        """Turn an action into a set-point within the device's limits.

        Parameters
        ----------
        action : ndarray, (n,)
            Continuous entries in the units of the action space, then discrete ones as integers.
        """
        raise NotImplementedError(
            f"{type(self).__name__} needs set_device_action(action): what an action does"
        )

    def obey(self, action: np.ndarray) -> None:
        """Take a command by `set_device_action`, as far as no disturbance forbids it."""
        self.set_device_action(self.idle_action() if self.is_stuck else action)
        if self.is_out:
            self.trip()

    def trip(self) -> None:
        """Inject nothing, because the device is out of service; called after each command.

        Kinds that start, or burn fuel without injecting, undo that too.
        """
        if "electrical" in self.state.features:
            self.state.electrical.p_MW = 0.0
            self.state.electrical.q_MVAr = 0.0

    def update_state(self, net_results: Mapping[str, float] | None = None, dt: float = 1.0) -> None:
        """Advance the device over `dt` hours; the base keeps its state.

        The voltage at the terminals is already in ``state.electrical``.

        Parameters
        ----------
        net_results : mapping, optional
            Power flow results at the device: ``vm_pu`` and ``va_degree`` at its bus, of a
            transformer also ``loading_percent``, of a metered connection ``p_mw`` and ``q_mvar``.
        dt : float
            Duration [h].
        """

    def update_cost_safety(self) -> None:
        """Set `cost` [$/h] and `safety`; a kind without running cost need not override it."""
        self.cost = 0.0
        self.safety = 0.0

    def cost_by_cause(self) -> dict[str, float]:
        """Return `cost` by cause [$/h]; what `cost_parts` does not explain is under "device"."""
        rest = self.cost - sum(self.cost_parts.values())
        return {**self.cost_parts, "device": rest} if rest != 0.0 else self.cost_parts

    def take_place(self, place: DevicePlace) -> None:
        """Take over where the device stands in the network."""
        self.pp_idx, self.bus_idx = place.pp_idx, place.bus_idx

    def reset_device(self) -> None:
        """Return to the initial state; kinds with more state than features extend it."""
        self.state.reset()
        self.is_out = self.is_stuck = False
        self.cost = 0.0
        self.safety = 0.0
        self.cost_parts = {}

    def reset(self, seed: int | None = None) -> None:
        """Start a new episode."""
        super().reset(seed)
        self.reset_device()

    def observed_fields(self) -> list[tuple[str, str]]:
        """Return the (feature, field) pairs that the coordinator observes, in order."""
        if self.observed is not None:
            return list(self.observed)
        fields = [("electrical", name) for name in ("p_MW", "q_MVAr", "v_pu")]
        known = self.state.features
        chosen = [pair for pair in fields if pair[0] in known]
        for feature, block in known.items():
            if feature != "electrical":
                chosen += [(feature, name) for name in block.names()]
        return chosen
