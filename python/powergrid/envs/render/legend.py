"""The strip below a one-line diagram: colours of voltages and meaning of symbols."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D

from powergrid.envs.render import symbols
from powergrid.envs.render.arrangement import Arrangement
from powergrid.envs.render.diagram import Diagram
from powergrid.powerflow.zone import V_MAX_PU, V_MIN_PU

__all__ = ["draw_colorbar", "draw_legend"]

BAR_LEFT, BAR_WIDTH, LEGEND_LEFT = 22.0, 180.0, 228.0


def draw_colorbar(ax: Axes, plan: Arrangement, size_pt: float) -> None:
    """Draw the scale of the bus voltages at the lower left."""
    box = ax.inset_axes(
        (
            BAR_LEFT / plan.width,
            25.0 / plan.height,
            BAR_WIDTH / plan.width,
            9.0 / plan.height,
        )
    )
    bar = ax.figure.colorbar(
        ScalarMappable(Normalize(V_MIN_PU, V_MAX_PU), symbols.COLORMAP),
        cax=box,
        orientation="horizontal",
        ticks=[0.95, 0.975, 1.0, 1.025, 1.05],
    )
    bar.ax.tick_params(labelsize=size_pt, length=2, pad=1.5)
    ax.text(
        BAR_LEFT + BAR_WIDTH / 2.0,
        43.0,
        "bus voltage [p.u.]",
        ha="center",
        va="center",
        fontsize=size_pt,
        color=symbols.INK,
    )


def draw_legend(ax: Axes, diagram: Diagram, plan: Arrangement, size_pt: float) -> None:
    """Explain the symbols that occur, beside the colour bar."""
    handles = [
        Line2D([], [], ls="none", marker=shape, mfc=face, mec=edge, mew=width, ms=size, label=label)
        for label, shape, face, edge, size, width in _entries(diagram)
    ]
    if any(branch.kind == "line" and not branch.is_closed for branch in diagram.branches):
        dashes = (0, (4, 3))
        handles.append(Line2D([], [], color=symbols.FAINT, ls=dashes, label="open line"))
    handles += [
        Line2D([], [], color=symbols.WARNING, lw=2.2, label="line over 80 %"),
        Line2D([], [], color=symbols.ALARM, lw=3.0, label="line over 100 %"),
    ]
    ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(LEGEND_LEFT / plan.width, 6.0 / plan.height),
        borderaxespad=0.0,
        ncols=-(-len(handles) // 2),
        frameon=False,
        fontsize=size_pt,
        handletextpad=0.4,
        handlelength=1.6,
        columnspacing=1.2,
        labelspacing=0.8,
    )


def _entries(diagram: Diagram) -> list[tuple[str, Any, str, str, float, float]]:
    """Return (label, marker, face, edge, size, edge width) of what occurs in the diagram."""
    ink, paper = symbols.INK, symbols.PAPER
    kinds = {(branch.kind, branch.is_closed) for branch in diagram.branches}
    has = {kind for kind, _ in kinds}
    entries: list[tuple[bool, tuple[str, Any, str, str, float, float]]] = [
        (True, ("source", symbols.source(), symbols.SOURCE_FACE, ink, 10.0, 0.9)),
        (bool(diagram.load_buses), ("load", symbols.load(-90.0), ink, "none", 6.0, 0.0)),
        (bool(diagram.capacitors), ("capacitor", symbols.capacitor(), "none", ink, 9.0, 1.3)),
        ("trafo" in has, ("transformer", symbols.transformer(), paper, ink, 13.0, 0.9)),
        ("regulator" in has, ("regulator, tap", symbols.regulator(), paper, ink, 13.0, 0.9)),
        (("switch", True) in kinds, ("closed switch", "s", ink, ink, 5.0, 0.9)),
        (("switch", False) in kinds, ("open switch", "s", paper, ink, 5.0, 0.9)),
        (True, (f"outside {V_MIN_PU}-{V_MAX_PU}", "o", "none", symbols.VIOLATION, 9.0, 2.0)),
    ]
    return [entry for occurs, entry in entries if occurs]
