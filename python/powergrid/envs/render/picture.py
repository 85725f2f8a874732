"""The whole picture of an episode: one-line diagram on the left, curves on the right."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from powergrid.envs.render.artist import OneLineArtist
from powergrid.envs.render.curves import CurvePanels
from powergrid.envs.render.diagram import Diagram, DiagramState
from powergrid.envs.render.episode import AgentReading, EpisodeRecord
from powergrid.envs.render.symbols import ALARM, INK
from powergrid.envs.render.table import heading
from powergrid.envs.render.text import MINUS, WIDEST_POWER, format_power

__all__ = ["DPI", "SIZE_INCH", "EpisodePicture"]

SIZE_INCH, DPI = (15.0, 8.4), 100


class EpisodePicture:
    """Artists of one environment in one figure, made once and updated.

    Parameters
    ----------
    figure : Figure
        Empty, of `SIZE_INCH`.
    diagram : Diagram
    colors : dict
        Of agents; those that are microgrids are framed in theirs.
    """

    def __init__(self, figure: Figure, diagram: Diagram, colors: Mapping[str, str]) -> None:
        self.figure = figure
        self._title = figure.text(0.012, 0.972, "", fontsize=11, weight="bold", va="center")
        self._subtitle = figure.text(0.012, 0.945, "", fontsize=8.5, va="center", color=INK)
        zone_room = f"  buys {WIDEST_POWER}  -$000.00  safety 0.000"
        self._one_line = OneLineArtist(
            figure.add_axes((0.0, 0.0, 0.7, 0.93)), diagram, dict(colors), zone_room=zone_room
        )
        storages = [mark.key for mark in diagram.devices if mark.kind == "storage"]
        self._curves = CurvePanels(figure, (0.735, 0.05, 0.255, 0.915), colors, storages)

    def update(self, record: EpisodeRecord) -> None:
        """Show another state of the episode."""
        last = record.last
        self._title.set_text(
            heading(record) + ("" if last.converged else " - power flow did not converge")
        )
        self._title.set_color("black" if last.converged else ALARM)
        self._subtitle.set_text(
            f"load {last.load_p_mw:.3f} MW    source {last.source_p_mw:.3f} MW    "
            f"losses {1000.0 * last.loss_mw:.1f} kW    "
            f"cost of this step ${sum(a.cost for a in last.agents.values()):.2f}    "
            f"safety {sum(a.safety for a in last.agents.values()):.3f}"
        )
        self._one_line.update(
            DiagramState(
                vm_pu=last.vm_pu,
                line_loading_percent=last.line_loading_percent,
                tap_pos=last.tap_pos,
                shunt_step=last.shunt_step,
                devices=last.devices,
                zone_texts={name: _zone_text(agent) for name, agent in last.agents.items()},
            )
        )
        self._curves.update(record)


def _zone_text(agent: AgentReading) -> str:
    text = ""
    if agent.exchange_p_mw is not None:
        verb = "buys" if agent.exchange_p_mw >= 0.0 else "sells"
        text = f"  {verb} {format_power(abs(agent.exchange_p_mw)).lstrip('+')}"
    sign = MINUS if agent.cost < 0.0 else ""
    return f"{text}  {sign}${abs(agent.cost):.2f}  safety {agent.safety:.3f}"
