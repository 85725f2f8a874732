"""What disturbances can strike in an environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heron.errors import ConfigError, nearest
from powergrid.powerflow.openable import Openable

if TYPE_CHECKING:
    from powergrid.agents.power_grid_agent import PowerGridAgent
    from powergrid.envs.distribution_grid import DistributionGrid
    from powergrid.powerflow.element_rows import ElementRows

__all__ = ["Target", "TargetCatalog", "openable_of"]


@dataclass(frozen=True)
class Target:
    """One thing that a kind of disturbance can strike.

    Attributes
    ----------
    kind : str
        Of disturbance.
    name : str
        As configurations call it.
    table : str
        What it is: "grid", "device", "regulator", "line", "switch" or "agent".
    element : int
        Which: number of the grid (the agents', then the distribution grid), of the device among all
        in the agents' and their own order, of the regulator among the feeder's, row of the line or
        switch, number of the agent among all that send messages.
    number : int, optional
        Of a line or switch in its table.
    """

    kind: str
    name: str
    table: str
    element: int
    number: int | None = None


class TargetCatalog:
    """All targets by kind, in order.

    Parameters
    ----------
    agents : mapping of str to PowerGridAgent
        In the environment's order.
    distribution : DistributionGrid
        What belongs to none of them.
    rows : ElementRows
        Of the whole network.
    senders : sequence of str
        Names of all agents that send messages, in the order of their numbers.
    """

    def __init__(
        self,
        agents: Mapping[str, PowerGridAgent],
        distribution: DistributionGrid,
        rows: ElementRows,
        senders: Sequence[str],
    ) -> None:
        devices = [
            (f"{name}/{device_id}", device)
            for name, agent in agents.items()
            for device_id, device in agent.devices.items()
        ]
        grids = [*agents, distribution.config.name]
        self._of_kind: dict[str, list[Target]] = {
            "load_spike": [Target("load_spike", name, "grid", k) for k, name in enumerate(grids)],
            "generator_trip": [
                Target("generator_trip", name, "device", k)
                for k, (name, device) in enumerate(devices)
                if device.element not in ("", "trafo")
            ],
            "tap_stuck": [
                Target("tap_stuck", name, "device", k)
                for k, (name, device) in enumerate(devices)
                if device.element == "trafo"
            ],
            "communication_outage": [
                Target("communication_outage", name, "agent", k) for k, name in enumerate(senders)
            ],
        }
        control = distribution.tap_control
        if control is not None:
            self._of_kind["tap_stuck"] += [
                Target("tap_stuck", rows.names["trafo"][row], "regulator", k)
                for k, row in enumerate(control.rows.tolist())
            ]
        for table in ("line", "switch"):
            kind = f"{table}_outage"
            self._of_kind[kind] = [
                Target(kind, rows.names[table][row], table, row, int(rows.numbers[table][row]))
                for row in rows.can_open[table].nonzero()[0].tolist()
            ]

    def targets(self, kind: str, names: Sequence[str | int] | None) -> list[Target]:
        """Return the targets of a kind with these names, or all.

        Raises
        ------
        ConfigError
            If there is none of a name, or more than one, or none at all.
        """
        known = self._of_kind[kind]
        if names is None:
            # Devices obey and send nothing, unless somebody has them do so.
            usual = [
                target for target in known if target.table != "agent" or "/" not in target.name
            ]
            if not usual:
                raise ConfigError(f"{kind}: there is nothing here that it could strike")
            return usual
        return [self._target(kind, known, name) for name in names]

    def _target(self, kind: str, known: list[Target], name: str | int) -> Target:
        field = "number" if isinstance(name, int) else "name"
        found = [target for target in known if getattr(target, field) == name]
        if len(found) == 1:
            return found[0]
        if found:
            numbers = ", ".join(str(target.number) for target in found)
            raise ConfigError(
                f"{kind}: {len(found)} targets are called {name!r}; give a number: {numbers}"
            )
        options = [getattr(target, field) for target in known if getattr(target, field) is not None]
        raise ConfigError(nearest(name, options, kind=f"target of a {kind}"))


def openable_of(targets: Sequence[Target]) -> Openable | None:
    """Return the lines and switches among targets, None if there are none."""
    lines, switches = (
        tuple(target.element for target in targets if target.table == table)
        for table in ("line", "switch")
    )
    return Openable(lines, switches) if lines or switches else None
