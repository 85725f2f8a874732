"""Draw a diagram into matplotlib axes, and redraw what changes."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.text import Text
from numpy.typing import NDArray

from powergrid.agents.power_grid_agent import V_MAX_PU, V_MIN_PU
from powergrid.envs.render import symbols
from powergrid.envs.render.arrangement import Arrangement, arrange
from powergrid.envs.render.diagram import Diagram, DiagramState
from powergrid.envs.render.text import format_power

__all__ = ["COLORMAP", "OneLineArtist"]

Array = NDArray[np.float64]

COLORMAP = "RdYlBu_r"
INK, FAINT, PAPER = "#3a3a3a", "#a8a8a8", "#ffffff"
WARNING, ALARM, VIOLATION = "#e69f00", "#d00000", "#c2007a"
LOADED_PERCENT = 80.0  # lines above it stand out, those above 100 % more so


class OneLineArtist:
    """The one-line diagram of one network in one pair of axes.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Emptied of its ticks; its limits are set.
    diagram : Diagram
        What is drawn.
    zone_colors : dict
        Colour of each microgrid.
    size_pt : float
        Size of the letters.
    has_legend : bool
        Add the colour bar and the meaning of the symbols at the lower edge.
    """

    def __init__(
        self,
        ax: Axes,
        diagram: Diagram,
        zone_colors: dict[str, Any],
        *,
        size_pt: float = 7.0,
        has_legend: bool = True,
    ) -> None:
        self.ax = ax
        self.diagram = diagram
        self.size_pt = size_pt
        self.plan: Arrangement = arrange(ax, diagram, size_pt, has_legend=has_legend)
        plan = self.plan
        ax.set_xlim(0.0, plan.width)
        ax.set_ylim(0.0, plan.height)
        ax.set_xticks([])
        ax.set_yticks([])
        for spine in ax.spines.values():
            spine.set_visible(False)
        self._draw_zones(zone_colors)
        self._draw_branches()
        self._draw_bus_symbols()
        self._draw_devices()
        self._draw_buses()
        if has_legend:
            self._draw_colorbar()
            self._draw_legend()

    # --- once ---------------------------------------------------------------------------------

    def _draw_zones(self, colors: dict[str, Any]) -> None:
        self._zone_texts: dict[str, Text] = {}
        for name, (x0, y0, x1, y1) in self.plan.zone_boxes.items():
            frame = FancyBboxPatch(
                (x0, y0),
                x1 - x0,
                y1 - y0,
                boxstyle="round,pad=0,rounding_size=8",
                facecolor=(*_rgb(colors[name]), 0.07),
                edgecolor=(*_rgb(colors[name]), 0.45),
                linewidth=0.8,
                zorder=0,
            )
            self.ax.add_patch(frame)
            self._zone_texts[name] = self._text(
                self.plan.zone_labels[name], name, color=colors[name], weight="bold"
            )

    def _draw_branches(self) -> None:
        plan, branches = self.plan, self.diagram.branches
        paths = [plan.to_px(branch.path) for branch in branches]
        self._line_rows = [
            (place, branch.row)
            for place, branch in enumerate(branches)
            if branch.kind == "line" and branch.is_closed
        ]
        self._branches = LineCollection(
            paths,
            colors=[INK if branch.is_closed else FAINT for branch in branches],
            linewidths=1.2,
            linestyles=["-" if branch.is_closed else (0, (4, 3)) for branch in branches],
            zorder=2,
        )
        self.ax.add_collection(self._branches)
        self._tap_texts: list[tuple[Text, str, int]] = []
        for branch, path in zip(branches, paths, strict=True):
            centre, angle = _middle(path)
            if branch.kind == "switch":
                face = INK if branch.is_closed else PAPER
                self._marker(centre, "s", 5.0, face, INK, zorder=5)
            elif branch.kind in ("trafo", "regulator"):
                shape = symbols.transformer()
                if branch.kind == "regulator":
                    shape = symbols.regulator()
                    angle = symbols.upright(angle)
                self._marker(centre, symbols.rotated(shape, angle), 13.0, PAPER, INK, zorder=4)
        for label in plan.branch_labels:
            text = self._text(label.centre, label.text, color=INK, style="italic")
            if label.is_regulator:
                self._tap_texts.append((text, label.text, label.row))

    def _draw_bus_symbols(self) -> None:
        plan = self.plan
        for bus in self.diagram.sources:
            self._marker(plan.bus_px[bus], symbols.source(), 15.0, "#fff3cf", INK, zorder=3)
        for load in plan.loads:
            self._leader(load.bus_px, load.centre, INK, 0.8)
            shape = symbols.arrow(load.angle)
            self._marker(load.centre, shape, 5.5, INK, "none", zorder=3)
        self._capacitors: list[tuple[int, Line2D, Text]] = []
        for cap in plan.capacitors:
            toward = symbols.upright(float(np.arctan2(*(cap.symbol - cap.bus_px)[::-1])))
            self._leader(cap.bus_px, cap.symbol, INK, 0.8)
            under = self._marker(cap.symbol, "o", 9.0, PAPER, "none", zorder=3)
            del under
            mark = self._marker(
                cap.symbol, symbols.rotated(symbols.capacitor(), toward), 9.0, "none", INK, zorder=4
            )
            mark.set_markeredgewidth(1.4)
            self._capacitors.append(
                (cap.row, mark, self._text(cap.text_centre, cap.text, color=INK))
            )

    def _draw_devices(self) -> None:
        self._device_texts: dict[tuple[str, str], Text] = {}
        self._device_marks: dict[tuple[str, str], list[Any]] = {}
        self._levels: dict[tuple[str, str], Rectangle] = {}
        for place in self.plan.devices:
            key, kind = place.mark.key, place.mark.kind
            color = symbols.DEVICE_COLORS[kind]
            x, y = place.symbol
            self._leader(place.bus_px, place.symbol, color, 0.9)
            if kind == "storage":
                body = Rectangle((x - 6, y - 8), 12, 15, fc=PAPER, ec=color, lw=1.2, zorder=6)
                pole = Rectangle((x - 2.5, y + 7), 5, 2.5, fc=color, ec=color, lw=0.8, zorder=6)
                level = Rectangle((x - 4.5, y - 6.5), 9, 0, fc=color, ec="none", zorder=7)
                for patch in (body, pole, level):
                    self.ax.add_patch(patch)
                self._levels[key] = level
                self._device_marks[key] = [body, pole, level]
            else:
                mark = self._marker(
                    place.symbol, "s" if kind == "solar" else "o", 12.0, PAPER, color, zorder=6
                )
                mark.set_markeredgewidth(1.3)
                letter = self._text(
                    place.symbol, symbols.DEVICE_LETTERS[kind], color=color, weight="bold"
                )
                letter.set_zorder(7)
                self._device_marks[key] = [mark, letter]
            self._device_texts[key] = self._text(
                place.text_at, key[1], color=color, ha=place.align, linespacing=1.0
            )

    def _draw_buses(self) -> None:
        px = self.plan.bus_px
        norm = Normalize(V_MIN_PU, V_MAX_PU)
        self._violations = self.ax.scatter(
            [], [], s=120, facecolors="none", edgecolors=VIOLATION, linewidths=2.0, zorder=9
        )
        self._buses = self.ax.scatter(
            px[:, 0],
            px[:, 1],
            s=30,
            c=np.full(len(px), np.nan),
            cmap=COLORMAP,
            norm=norm,
            plotnonfinite=True,
            edgecolors=INK,
            linewidths=0.7,
            zorder=8,
        )
        self._buses.get_cmap().set_bad(PAPER)
        for centre, name in self.plan.bus_labels:
            self._text(centre, name, color=INK)

    def _draw_colorbar(self) -> None:
        plan = self.plan
        box = self.ax.inset_axes(
            (14 / plan.width, 26 / plan.height, 190 / plan.width, 9 / plan.height)
        )
        bar = self.ax.figure.colorbar(
            ScalarMappable(Normalize(V_MIN_PU, V_MAX_PU), COLORMAP),
            cax=box,
            orientation="horizontal",
            ticks=[0.95, 0.975, 1.0, 1.025, 1.05],
        )
        bar.ax.tick_params(labelsize=self.size_pt, length=2, pad=1.5)
        bar.outline.set_linewidth(0.5)
        self._text(np.array([109.0, 43.0]), "bus voltage [p.u.]", color=INK)

    def _draw_legend(self) -> None:
        diagram = self.diagram
        kinds = {branch.kind for branch in diagram.branches}
        is_open = any(b.kind == "switch" and not b.is_closed for b in diagram.branches)
        entries: list[tuple[str, Any, str, str, float]] = [
            ("source", symbols.source(), "#fff3cf", INK, 10.0)
        ]
        if diagram.load_buses:
            entries.append(("load", symbols.arrow(0.0), INK, "none", 6.0))
        if diagram.capacitors:
            entries.append(("capacitor", symbols.capacitor(), "none", INK, 9.0))
        if "trafo" in kinds:
            entries.append(("transformer", symbols.transformer(), PAPER, INK, 13.0))
        if "regulator" in kinds:
            entries.append(("regulator", symbols.regulator(), PAPER, INK, 13.0))
        if "switch" in kinds:
            entries.append(("closed switch", "s", INK, INK, 5.0))
        if is_open:
            entries.append(("open switch", "s", PAPER, INK, 5.0))
        entries.append((f"outside {V_MIN_PU}–{V_MAX_PU}", "o", "none", VIOLATION, 9.0))
        handles = [
            Line2D([], [], ls="none", marker=shape, mfc=face, mec=edge, ms=size, label=label)
            for label, shape, face, edge, size in entries
        ]
        handles.append(Line2D([], [], color=ALARM, lw=2.6, label="line over 100 %"))
        self.ax.legend(
            handles=handles,
            loc="lower left",
            bbox_to_anchor=(222 / self.plan.width, 4 / self.plan.height),
            borderaxespad=0.0,
            ncols=-(-len(handles) // 2),
            frameon=False,
            fontsize=self.size_pt,
            handletextpad=0.5,
            columnspacing=1.4,
            labelspacing=0.6,
        )

    # --- again and again ----------------------------------------------------------------------

    def update(self, state: DiagramState) -> None:
        """Show other voltages, loadings, tap positions and powers."""
        self._update_buses(state.vm_pu)
        if state.line_loading_percent is not None:
            self._update_lines(state.line_loading_percent)
        if state.tap_pos is not None:
            for text, name, row in self._tap_texts:
                text.set_text(f"{name} {_tap(state.tap_pos[row])}")
        if state.shunt_step is not None:
            for row, mark, text in self._capacitors:
                color = INK if state.shunt_step[row] > 0 else FAINT
                mark.set_markeredgecolor(color)
                text.set_color(color)
        for key, (p_mw, soc, is_on) in state.devices.items():
            if key in self._device_texts:
                self._update_device(key, p_mw, soc, is_on)
        for name, text in self._zone_texts.items():
            text.set_text(state.zone_texts.get(name, name))

    def _update_buses(self, vm_pu: Array | None) -> None:
        vm = np.full(len(self.plan.bus_px), np.nan) if vm_pu is None else vm_pu.copy()
        vm[~(vm > 0.0)] = np.nan
        self._buses.set_array(vm)
        with np.errstate(invalid="ignore"):
            outside = (vm < V_MIN_PU) | (vm > V_MAX_PU)
        self._violations.set_offsets(self.plan.bus_px[outside])

    def _update_lines(self, loading: Array) -> None:
        colors = [INK if branch.is_closed else FAINT for branch in self.diagram.branches]
        widths = [1.2] * len(colors)
        for place, row in self._line_rows:
            if loading[row] > 100.0:
                colors[place], widths[place] = ALARM, 3.0
            elif loading[row] > LOADED_PERCENT:
                colors[place], widths[place] = WARNING, 2.2
        self._branches.set_color(colors)
        self._branches.set_linewidths(widths)

    def _update_device(
        self, key: tuple[str, str], p_mw: float, soc: float | None, is_on: bool
    ) -> None:
        second = format_power(p_mw) if is_on else "off"
        if soc is not None:
            second += f" {100.0 * soc:.0f}%"
            if key in self._levels:
                self._levels[key].set_height(12.0 * min(max(soc, 0.0), 1.0))
        self._device_texts[key].set_text(f"{key[1]}\n{second}")
        for part in (*self._device_marks[key], self._device_texts[key]):
            part.set_alpha(1.0 if is_on else 0.45)

    # --- pieces -------------------------------------------------------------------------------

    def _text(self, at: Array, text: str, **kwargs: Any) -> Text:
        options = {"ha": "center", "va": "center", "fontsize": self.size_pt, "zorder": 10}
        return self.ax.text(float(at[0]), float(at[1]), text, **{**options, **kwargs})

    def _marker(
        self, at: Array, shape: Any, size: float, face: Any, edge: Any, *, zorder: float
    ) -> Line2D:
        (line,) = self.ax.plot(
            [at[0]], [at[1]], ls="none", marker=shape, ms=size, mfc=face, mec=edge, mew=0.9,
            zorder=zorder,
        )  # fmt: skip
        return line

    def _leader(self, start: Array, end: Array, color: Any, width: float) -> None:
        self.ax.plot(
            [start[0], end[0]], [start[1], end[1]], color=color, lw=width, zorder=2.5
        )


def _rgb(color: Any) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    return to_rgb(color)


def _tap(position: float) -> str:
    """Return a tap position with its sign; an averaged one with a decimal."""
    text = f"{position:+.0f}" if float(position).is_integer() else f"{position:+.1f}"
    return "0" if position == 0.0 else text.replace("-", "\N{MINUS SIGN}")


def _middle(path: Array) -> tuple[Array, float]:
    """Return the point half-way along a polyline, and the direction there [rad]."""
    steps = np.diff(path, axis=0)
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    reached = np.concatenate([[0.0], np.cumsum(lengths)])
    half = reached[-1] / 2.0
    k = int(np.clip(np.searchsorted(reached, half, side="right") - 1, 0, len(steps) - 1))
    share = (half - reached[k]) / lengths[k] if lengths[k] > 0.0 else 0.0
    return path[k] + share * steps[k], float(np.arctan2(steps[k, 1], steps[k, 0]))
