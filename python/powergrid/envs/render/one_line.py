"""A one-line diagram of any pandapower network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from powergrid.envs.render.plotting import plain_style, require_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandapower import pandapowerNet

    from powergrid.envs.render.diagram import DeviceMark, DiagramState

__all__ = ["ZONE_COLORS", "one_line_diagram"]

# Of microgrids and of what belongs to them: dark enough for text on white.
ZONE_COLORS = ("#1f5fa8", "#a34a00", "#2f7d32", "#8a2f8a", "#8c1c2b", "#5d5a00", "#3d3d8f")

PX_PER_NEIGHBOUR = 46.0  # wanted between neighbouring buses
DPI = 100


def one_line_diagram(
    net: pandapowerNet, path: str | Path | None = None, ax: Axes | None = None
) -> Figure:
    """Draw a network: voltages in colour, violations marked, devices and taps at their places.

    Results of the last power flow are shown if there are any; otherwise the buses stay white.
    Buses come from ``net.bus.geo``; a network without coordinates is drawn as a tree.

    Parameters
    ----------
    net : pandapowerNet
        The network. Static generators and storages are drawn as devices.
    path : str or Path, optional
        File to write; its suffix chooses the format.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure of fitting size, not registered with pyplot.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    MissingPlotLibraryError
        If matplotlib is not installed.

    Examples
    --------
    >>> from powergrid.networks import IEEE13Bus
    >>> figure = one_line_diagram(IEEE13Bus())
    """
    require_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from powergrid.envs.render.artist import OneLineArtist
    from powergrid.envs.render.diagram import read_diagram

    diagram = read_diagram(net, _device_marks(net))
    with plain_style():
        if ax is None:
            figure = Figure(figsize=_figure_size(diagram.xy), dpi=DPI)
            FigureCanvasAgg(figure)
            ax = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        colors = {name: ZONE_COLORS[i % len(ZONE_COLORS)] for i, name in enumerate(diagram.zones)}
        size_pt = 8.0 if len(diagram.xy) <= 40 else 7.0
        OneLineArtist(ax, diagram, colors, size_pt=size_pt).update(_state(net))
        drawn = ax.get_figure()
        assert isinstance(drawn, Figure)
        if path is not None:
            drawn.savefig(Path(path))
    return drawn


def _figure_size(xy: np.ndarray) -> tuple[float, float]:
    """Return width and height [inch] at which neighbouring buses stay apart."""
    distance = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    np.fill_diagonal(distance, np.inf)
    typical = float(np.median(distance.min(axis=1))) if len(xy) > 1 else 1.0
    width, height = np.ptp(xy, axis=0) / (typical or 1.0) * PX_PER_NEIGHBOUR + [90.0, 130.0]
    return min(max(width, 820.0), 1500.0) / DPI, min(max(height, 520.0), 1000.0) / DPI


def _device_marks(net: pandapowerNet) -> list[DeviceMark]:
    from powergrid.envs.render.diagram import DeviceMark

    row_of = {int(index): row for row, index in enumerate(net.bus.index)}
    marks = []
    for table in ("sgen", "gen", "storage"):
        for index, entry in net[table].iterrows():
            if not entry["in_service"]:
                continue
            kind = "storage" if table == "storage" else _kind(entry)
            marks.append(DeviceMark((table, _label(entry, index)), kind, row_of[int(entry["bus"])]))
    return marks


def _kind(entry: Any) -> str:
    words = f"{entry.get('type') or ''} {entry.get('name') or ''}".lower()
    if "pv" in words or "solar" in words:
        return "solar"
    return "wind" if "wp" in words or "wind" in words else "generator"


def _label(entry: Any, index: Any) -> str:
    return str(entry["name"]) if entry["name"] else str(index)


def _state(net: pandapowerNet) -> DiagramState:
    from powergrid.envs.render.diagram import DeviceReading, DiagramState

    is_solved = len(net.res_bus) == len(net.bus) > 0
    devices = {}
    for table, sign in (("sgen", 1.0), ("gen", 1.0), ("storage", -1.0)):
        result = net[f"res_{table}"]
        for index, entry in net[table].iterrows():
            p_mw = result.at[index, "p_mw"] if index in result.index else entry["p_mw"]
            soc = float(entry["soc_percent"]) / 100.0 if table == "storage" else np.nan
            devices[table, _label(entry, index)] = DeviceReading(
                sign * float(p_mw), soc=soc if np.isfinite(soc) else None
            )
    return DiagramState(
        vm_pu=net.res_bus["vm_pu"].to_numpy(np.float64) if is_solved else None,
        line_loading_percent=net.res_line["loading_percent"].to_numpy(np.float64)
        if is_solved and len(net.line)
        else None,
        tap_pos=net.trafo["tap_pos"].to_numpy(np.float64) if len(net.trafo) else None,
        shunt_step=net.shunt["step"].to_numpy(np.float64) if len(net.shunt) else None,
        devices=devices,
    )
