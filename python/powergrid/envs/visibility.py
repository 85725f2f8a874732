"""What agents may see, by configuration: tags of features, compiled into what is gathered.

A hidden entry of an observation keeps its place and reads 0: its slot is replaced by that of the
constant zero when the environment is made, so nothing hidden is ever copied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from heron.core.feature_table import FeatureTable
from heron.core.visibility import check_tags, is_visible
from heron.errors import ConfigError, nearest
from powergrid.agents.observation_layout import ZERO, ObservationLayout

if TYPE_CHECKING:
    from heron.agents.base import Agent
    from powergrid.agents.power_grid_agent import PowerGridAgent

__all__ = ["LEVELS", "set_visibility", "visible_layout"]

_FUTURE = ("forecast",)
_SURROUNDINGS = ("bus_voltages", "line_flows", "grid", "market", "clock")

LEVELS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "full": {},
    "grid": dict.fromkeys(_FUTURE, ("system",)),
    "device": dict.fromkeys((*_SURROUNDINGS, *_FUTURE), ("system",)),
}
"""Tags by feature for each level's name."""


def set_visibility(
    agents: Sequence[PowerGridAgent], visibility: str | Mapping[str, Sequence[str]]
) -> frozenset[tuple[str, str]]:
    """Give features of agents and their devices the tags that are configured.

    Call it before the features are in a table.

    Parameters
    ----------
    agents : sequence of PowerGridAgent
        In the environment's order.
    visibility : str or mapping
        A name of `LEVELS`, or tags (see `heron.core.feature.FeatureBlock`) by feature: "forecast"
        of whomever, or "MG1.forecast", "MG1/ess1.storage", which has the last word.

    Returns
    -------
    frozenset of (str, str)
        Owner and name of the features that the configuration speaks of. Of the others an agent
        sees what belongs to its observation, whatever their tags.

    Raises
    ------
    ConfigError
        If nobody has such a feature, or a tag does not exist.
    """
    rules = LEVELS[visibility] if isinstance(visibility, str) else visibility
    owners: dict[str, Agent] = {}
    for agent in agents:
        owners[agent.agent_id] = agent
        owners |= {f"{agent.agent_id}/{name}": device for name, device in agent.devices.items()}
    names = {(owner, name) for owner, agent in owners.items() for name in agent.state.features}
    known = sorted({name for _, name in names} | {f"{owner}.{name}" for owner, name in names})
    changed = set()
    for key in sorted(rules, key=lambda key: "." in key):  # those of one owner last
        if key not in known:
            raise ConfigError("visibility: " + nearest(key, known, kind="feature"))
        check_tags(rules[key])
        for owner, name in names:
            if key in (name, f"{owner}.{name}"):
                # An attribute of this block; that of its class stays as it is.
                block = owners[owner].state.features[name]
                object.__setattr__(block, "visibility", tuple(rules[key]))
                changed.add((owner, name))
    return frozenset(changed)


def visible_layout(
    agent: PowerGridAgent,
    layout: ObservationLayout,
    table: FeatureTable,
    changed: frozenset[tuple[str, str]],
) -> ObservationLayout:
    """Return an agent's layout without what the features in `changed` hide from it by now."""
    hidden: list[int] = []
    for feature in table.features:
        if (feature.owner_id, feature.name) not in changed:
            continue
        if not is_visible(
            feature.visibility, agent.agent_id, agent.level, feature.owner_id, feature.owner_level
        ):
            hidden += range(feature.slots.start, feature.slots.stop)
    return layout.without(hidden, table.slot_names.index(ZERO)) if hidden else layout
