"""Draw a diagram into matplotlib axes, and redraw what changes."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize, to_rgba
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch
from matplotlib.text import Text
from numpy.typing import NDArray

from powergrid.envs.render import symbols
from powergrid.envs.render.arrangement import LEGEND_HEIGHT, UNITS_PER_INCH, arrange
from powergrid.envs.render.device_artist import DeviceArtist
from powergrid.envs.render.diagram import Diagram, DiagramState
from powergrid.envs.render.legend import draw_colorbar, draw_legend
from powergrid.envs.render.symbols import ALARM, FAINT, INK, PAPER, WARNING
from powergrid.envs.render.text import format_power, format_tap
from powergrid.powerflow.zone import V_MAX_PU, V_MIN_PU

__all__ = ["OneLineArtist"]

Array = NDArray[np.float64]

LOADED_PERCENT = 80.0  # lines above it stand out, those above 100 % more so


class OneLineArtist:
    """The one-line diagram of one network in one pair of axes.

    What does not change is drawn when the artist is made; `update` does the rest.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Without ticks and frame afterwards; its limits count units of 1/100 inch.
    diagram : Diagram
        What is drawn.
    zone_colors : dict
        Colour of each microgrid.
    size_pt : float
        Size of the letters.
    zone_room : str
        The longest text that will follow the name of a microgrid.
    """

    def __init__(
        self,
        ax: Axes,
        diagram: Diagram,
        zone_colors: dict[str, str],
        *,
        size_pt: float = 7.0,
        zone_room: str = "",
    ) -> None:
        self._ax = ax
        self._diagram = diagram
        self._size_pt = size_pt
        units_per_pixel = UNITS_PER_INCH / ax.figure.dpi
        self._plan = arrange(
            diagram,
            float(ax.bbox.width) * units_per_pixel,
            float(ax.bbox.height) * units_per_pixel,
            bottom=LEGEND_HEIGHT,
            size_pt=size_pt,
            zone_room=zone_room,
        )
        ax.set_xlim(0.0, self._plan.width)
        ax.set_ylim(0.0, self._plan.height)
        ax.set_axis_off()
        self._leaders: list[tuple[Array, Array, str]] = []
        self._branch_colors = [
            zone_colors.get(branch.tie_of, INK) if branch.is_closed else FAINT
            for branch in diagram.branches
        ]
        self._draw_zones(zone_colors)
        self._draw_branches()
        self._draw_sources_and_loads()
        self._draw_capacitors()
        self._draw_devices()
        self._draw_leaders()
        self._draw_buses()
        draw_colorbar(ax, self._plan, size_pt)
        draw_legend(ax, diagram, self._plan, size_pt)

    # --- once ---------------------------------------------------------------------------------

    def _draw_zones(self, colors: dict[str, str]) -> None:
        self._zone_texts: dict[str, Text] = {}
        for name, (x0, y0, x1, y1) in self._plan.zone_boxes.items():
            color = colors[name]
            frame = FancyBboxPatch(
                (x0, y0),
                x1 - x0,
                y1 - y0,
                boxstyle="round,pad=0,rounding_size=8",
                facecolor=to_rgba(color, 0.07),
                edgecolor=to_rgba(color, 0.45),
                linewidth=0.8,
                zorder=0,
            )
            self._ax.add_patch(frame)
            self._zone_texts[name] = self._text(
                self._plan.zone_labels[name], name, color=color, weight="bold", ha="left"
            )

    def _draw_branches(self) -> None:
        branches = self._diagram.branches
        self._branches = LineCollection(
            [self._plan.to_axes(branch.path) for branch in branches],
            colors=self._branch_colors,
            linewidths=1.2,
            linestyles=["-" if branch.is_closed else (0, (4, 3)) for branch in branches],
            zorder=2,
        )
        self._ax.add_collection(self._branches)
        origin = self._plan.to_axes(np.zeros((1, 2)))[0]
        for branch, color in zip(branches, self._branch_colors, strict=True):
            at = self._plan.to_axes(branch.middle[None])[0]
            dx, dy = self._plan.to_axes(branch.direction[None])[0] - origin
            angle = float(np.rad2deg(np.arctan2(dy, dx)))
            if branch.kind == "switch":
                self._marker(at, "s", 5.0, color if branch.is_closed else PAPER, INK, zorder=5)
            elif branch.kind == "trafo":
                shape = symbols.rotated(symbols.transformer(), angle)
                self._marker(at, shape, 13.0, PAPER, color, zorder=4)
            elif branch.kind == "regulator":
                upright = (angle + 45.0) % 180.0 - 45.0  # its arrow points upwards
                shape = symbols.rotated(symbols.regulator(), upright)
                self._marker(at, shape, 13.0, PAPER, INK, zorder=4)
        self._taps: list[tuple[int, str, Text]] = []
        for label in self._plan.branch_labels:
            text = self._text(label.at, label.name, color=INK, style="italic")
            if branches[label.index].kind == "regulator":
                self._taps.append((branches[label.index].row, label.name, text))

    def _draw_sources_and_loads(self) -> None:
        plan, diagram = self._plan, self._diagram
        for bus in diagram.sources:
            face = symbols.SOURCE_FACE
            self._marker(plan.bus_at[bus], symbols.source(), 15.0, face, INK, zorder=3)
        if not diagram.load_buses:
            return
        bus_at = plan.bus_at[diagram.load_buses]
        self._leaders += [(a, b, INK) for a, b in zip(bus_at, plan.load_at, strict=True)]
        dx, dy = (plan.load_at - bus_at).T
        angles = np.round(np.rad2deg(np.arctan2(dy, dx)))
        for angle in np.unique(angles):
            at = plan.load_at[angles == angle].T
            self._marker(at, symbols.load(float(angle)), 5.5, INK, "none", zorder=3)

    def _draw_capacitors(self) -> None:
        self._capacitors: list[tuple[int, Line2D, Text]] = []
        for place in self._plan.capacitors:
            row, _, q_mvar = self._diagram.capacitors[place.index]
            dx, dy = place.symbol_at - place.bus_at
            shape = symbols.rotated(symbols.capacitor(), float(np.rad2deg(np.arctan2(dy, dx))))
            self._leaders.append((place.bus_at, place.symbol_at, INK))
            self._marker(place.symbol_at, "s", 4.0, PAPER, "none", zorder=3)  # hides the leader
            mark = self._marker(place.symbol_at, shape, 9.0, "none", INK, zorder=4, width=1.4)
            label = format_power(q_mvar, unit="var").lstrip("+")
            text = self._text(place.text_at, label, color=INK, ha=place.align)
            self._capacitors.append((row, mark, text))

    def _draw_devices(self) -> None:
        self._devices: dict[tuple[str, str], DeviceArtist] = {}
        for place in self._plan.devices:
            device = self._diagram.devices[place.index]
            color = symbols.DEVICE_COLORS[device.kind]
            self._leaders.append((place.bus_at, place.symbol_at, color))
            self._devices[device.key] = DeviceArtist(self._ax, device, place, self._size_pt)

    def _draw_leaders(self) -> None:
        ends = [(start, end) for start, end, _ in self._leaders]
        colors = [color for *_, color in self._leaders]
        self._ax.add_collection(LineCollection(ends, colors=colors, linewidths=0.8, zorder=2.5))

    def _draw_buses(self) -> None:
        at = self._plan.bus_at
        self._violations = self._ax.scatter(
            [], [], s=80, facecolors="none", edgecolors=symbols.VIOLATION, linewidths=2.0, zorder=9
        )
        self._buses = self._ax.scatter(
            at[:, 0],
            at[:, 1],
            s=30,
            c=np.full(len(at), np.nan),
            cmap=symbols.COLORMAP,
            norm=Normalize(V_MIN_PU, V_MAX_PU),
            plotnonfinite=True,
            edgecolors=INK,
            linewidths=0.7,
            zorder=8,
        )
        self._buses.set_cmap(self._buses.get_cmap().with_extremes(bad=PAPER))
        for label_at, name in self._plan.bus_labels:
            self._text(label_at, name, color=INK)

    # --- again and again ----------------------------------------------------------------------

    def update(self, state: DiagramState) -> None:
        """Show other voltages, loadings, tap positions and powers."""
        self._update_buses(state.vm_pu)
        self._update_lines(state.line_loading_percent)
        if state.tap_pos is not None:
            for row, name, text in self._taps:
                text.set_text(f"{name} {format_tap(float(state.tap_pos[row]))}")
        if state.shunt_step is not None:
            for row, mark, text in self._capacitors:
                color = INK if state.shunt_step[row] > 0.0 else FAINT
                mark.set_markeredgecolor(color)
                text.set_color(color)
        for key, artist in self._devices.items():
            if key in state.devices:
                artist.update(state.devices[key])
        for name, text in self._zone_texts.items():
            text.set_text(name + state.zone_texts.get(name, ""))

    def _update_buses(self, vm_pu: Array | None) -> None:
        n_bus = len(self._plan.bus_at)
        vm = np.full(n_bus, np.nan) if vm_pu is None else np.where(vm_pu > 0.0, vm_pu, np.nan)
        self._buses.set_array(vm)
        outside = (vm < V_MIN_PU) | (vm > V_MAX_PU)  # false where there is no voltage
        self._violations.set_offsets(self._plan.bus_at[outside])

    def _update_lines(self, loading: Array | None) -> None:
        if loading is None:
            return
        colors, widths = list(self._branch_colors), [1.2] * len(self._branch_colors)
        for i, branch in enumerate(self._diagram.branches):
            if branch.kind == "line" and loading[branch.row] > 100.0:
                colors[i], widths[i] = ALARM, 3.0
            elif branch.kind == "line" and loading[branch.row] > LOADED_PERCENT:
                colors[i], widths[i] = WARNING, 2.2
        self._branches.set_color(colors)
        self._branches.set_linewidth(widths)

    # --- pieces -------------------------------------------------------------------------------

    def _text(self, at: Array, text: str, **kwargs: Any) -> Text:
        options = {"ha": "center", "va": "center", "fontsize": self._size_pt, "zorder": 10}
        return self._ax.text(float(at[0]), float(at[1]), text, **{**options, **kwargs})

    def _marker(
        self,
        at: Array,
        shape: Any,
        size: float,
        face: str,
        edge: str,
        *,
        zorder: float,
        width: float = 0.9,
    ) -> Line2D:
        """Draw a symbol at one point (2,) or at several (2, n)."""
        x, y = np.atleast_1d(at[0]), np.atleast_1d(at[1])
        line = Line2D(
            x, y, ls="none", marker=shape, ms=size, mfc=face, mec=edge, mew=width, zorder=zorder
        )
        self._ax.add_line(line)
        return line
