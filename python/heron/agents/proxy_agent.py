"""The agent that shows others the state as it was, and of it what they may see."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heron.agents.base import Agent
from heron.agents.state_history import RecordedHistory, SeenState, StateHistory, StateRequest
from heron.agents.table_history import TableHistory
from heron.core.feature_table import FeatureTable
from heron.core.observation import Observation
from heron.core.state import State
from heron.errors import ConfigError, HeronError

__all__ = ["PROXY_LEVEL", "ProxyAgent"]

PROXY_LEVEL = 0


class ProxyAgent(Agent):
    """Keep snapshots of the state, and answer each agent with what it may see of them.

    Snapshots come from `update_state`, or are those that an environment takes of its
    `FeatureTable`, see `use_table`. The proxy itself neither decides nor acts.

    Parameters
    ----------
    agent_id, *args, **kwargs
        See `Agent`.
    visibility_rules
        {agent: features}. An agent with a rule sees what it lists and nothing else, whatever the
        features' own visibility says: "power" of any owner, "MG1.power", "MG1.*" or "*".
    history_length
        How many snapshots handed over by `update_state` are kept.

    Examples
    --------
    >>> proxy = ProxyAgent(visibility_rules={"MG1": ["soc"]})
    >>> proxy.update_state({"MG1/ess1": {"soc": 0.5, "temperature": 30.0}, "price": 50.0}, 0.0)
    >>> proxy.update_state({"MG1/ess1": {"soc": 0.4, "temperature": 31.0}, "price": 55.0}, 60.0)
    >>> proxy.get_state_for_agent("MG1", requestor_level=2, at_time=59.0)
    {'MG1/ess1': {'soc': 0.5}}
    >>> proxy.get_state_for_agent("MG1/ess1", requestor_level=1)
    {'MG1/ess1': {'soc': 0.4, 'temperature': 31.0}, 'price': 55.0}
    >>> proxy.get_state_at_time(-1.0), proxy.get_state_at_time(-1.0).is_stale
    ({}, True)
    """

    def __init__(
        self,
        agent_id: str = "proxy_agent",
        *args: Any,
        visibility_rules: Mapping[str, Iterable[str]] | None = None,
        history_length: int = 100,
        **kwargs: Any,
    ) -> None:
        super().__init__(agent_id, *args, **kwargs)
        self.level = PROXY_LEVEL
        self.state = State(self.agent_id, self.level)
        self.action = None
        self.history_length = history_length
        self.history: StateHistory = RecordedHistory(history_length)
        self.visibility_rules: dict[str, tuple[str, ...]] = {}
        for requestor, allowed in (visibility_rules or {}).items():
            self.set_visibility_rules(requestor, allowed)

    # --- what there is to see -----------------------------------------------------------------

    @property
    def is_recording(self) -> bool:
        """Whether snapshots are handed over by `update_state`, and not taken of a table."""
        return isinstance(self.history, RecordedHistory)

    def use_table(self, table: FeatureTable, lane: int = 0) -> None:
        """Answer from the snapshots of one lane of a table, which others take, from now on."""
        if table.n_history < 1:
            raise ConfigError(
                "the table keeps no history; make it with n_history of at least 1 for a proxy"
            )
        self.history = TableHistory(table, lane)

    def update_state(self, state: Mapping[str, Any], time: float | None = None) -> None:
        """Take a snapshot: keep copies of all values.

        Parameters
        ----------
        state
            {owner: {feature: values}}, where the features of an owner may be a
            `heron.core.state.State`. A value that is no mapping is a feature of nobody, which all
            may see who have no rule. The visibility of a feature is that of its `FeatureBlock`; of
            values that have none, it is "owner".
        time
            When this was so [s], not before the last snapshot; without it at the time of the last
            one, which is replaced.

        Raises
        ------
        InvalidArgumentError
            If the time is not finite or before the last one; nothing is kept then.
        HeronError
            If the snapshots are those of a table.
        """
        if not isinstance(self.history, RecordedHistory):
            raise HeronError(
                f"{self.agent_id!r} answers from a feature table: take snapshots of that"
            )
        if time is None:
            time = self.history.last_time_s if len(self.history) else 0.0
        self.history.add(state, time)

    # --- who may see what ---------------------------------------------------------------------

    def set_visibility_rules(self, agent_id: str, allowed: Iterable[str] | None) -> None:
        """Let an agent see the features listed, and nothing else; None takes its rule away."""
        if isinstance(allowed, str):
            raise ConfigError(
                f"the rule of {agent_id!r} is {allowed!r}, expected a list such as [{allowed!r}]"
            )
        if allowed is None:
            self.visibility_rules.pop(agent_id, None)
        else:
            self.visibility_rules[agent_id] = tuple(allowed)

    def get_state_at_time(self, t: float) -> SeenState:
        """Return a copy of the newest snapshot taken at `t` or before, with all that is in it.

        Without one the answer is empty and stale.
        """
        everything = StateRequest(self.address, self.level, allowed=("*",))
        seen = self.history.read(everything, t)
        return SeenState() if seen.is_stale else seen

    def get_state_for_agent(
        self,
        agent_id: str,
        requestor_level: int,
        owner_id: str | None = None,
        at_time: float | None = None,
    ) -> SeenState:
        """Return copies of what an agent may see.

        Parameters
        ----------
        agent_id, requestor_level
            Who asks: its address in the environment, and its level.
        owner_id
            Whose features; None for everybody's and those of nobody.
        at_time
            As of when [s]: the newest snapshot taken then or before. None for the newest of all.

        Returns
        -------
        SeenState
            {owner: {feature: values}}. If no snapshot is old enough it is stale: zeros, never a
            later state.
        """
        request = StateRequest(
            agent_id, requestor_level, owner_id, self.visibility_rules.get(agent_id)
        )
        return self.history.read(request, math.inf if at_time is None else at_time)

    def get_slots_for_agent(
        self,
        agent_id: str,
        requestor_level: int,
        slots: NDArray[np.int32],
        at_time: float | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return slots of the table as an agent may see them: the vector that a policy is given.

        Parameters
        ----------
        agent_id, requestor_level, at_time
            As for `get_state_for_agent`.
        slots
            Of the table that `use_table` was given, in the order wanted; int32, (n_slot,). They
            are what the agent may see by the features' visibility; a rule takes more away.

        Returns
        -------
        values : ndarray, (n_slot,)
            Zero where nothing is shown.
        is_shown : ndarray of bool, (n_slot,)
            False where a rule hides a slot, and everywhere if no snapshot is old enough.

        Raises
        ------
        HeronError
            If the proxy does not answer from a table.
        """
        if not isinstance(self.history, TableHistory):
            raise HeronError(f"{self.agent_id!r} has no feature table: call use_table() first")
        request = StateRequest(agent_id, requestor_level, None, self.visibility_rules.get(agent_id))
        return self.history.read_slots(request, slots, math.inf if at_time is None else at_time)

    # --- an agent like others -----------------------------------------------------------------

    def observe(
        self, global_state: Mapping[str, Any] | None = None, *, timestamp: float = 0.0
    ) -> Observation:
        """Return nothing of its own: a proxy has no features."""
        return Observation({}, dict(global_state or {}), timestamp)

    def act(self, observation: Any, upstream_action: Any = None) -> None:
        """Do nothing: a proxy does not act."""

    def tick(
        self,
        scheduler: Any,
        current_time: float,
        global_state: Mapping[str, Any] | None = None,
        proxy: ProxyAgent | None = None,
    ) -> None:
        """Do nothing but note the time."""
        self.current_time = current_time

    def reset(self, seed: int | None = None) -> None:
        """Forget the snapshots that were handed over; those of a table its owner clears."""
        super().reset(seed)
        if isinstance(self.history, RecordedHistory):
            self.history.clear()
