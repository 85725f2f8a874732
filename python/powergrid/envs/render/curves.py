"""The curves of an episode so far, in four panels over a common time axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from powergrid.envs.render.episode import EpisodeRecord
from powergrid.envs.render.symbols import INK, VIOLATION
from powergrid.powerflow.zone import V_MAX_PU, V_MIN_PU

__all__ = ["CurvePanels"]

HOUR_S = 3600.0
LOAD_COLOR, LOW_COLOR, HIGH_COLOR = "#111111", "#2c6fbb", "#b5302a"
DASHES = ("solid", "dashed", "dotted", "dashdot")  # of an agent's batteries, in order
LARGEST_LEGEND = 6  # more entries than this find no room above a panel
TITLES = (
    "price [$/MWh]",
    "power bought, load [MW]",
    "state of charge [%]",
    "voltage [p.u.]",
)


class CurvePanels:
    """Price, power, state of charge and voltage in a column of a figure.

    Parameters
    ----------
    figure : Figure
    box : (left, bottom, width, height)
        Part of the figure.
    colors : dict
        Of agents.
    storages : sequence of (agent, device)
        Whose state of charge is shown.
    size_pt : float
        Size of the letters.
    """

    def __init__(
        self,
        figure: Figure,
        box: tuple[float, float, float, float],
        colors: Mapping[str, str],
        storages: Sequence[tuple[str, str]],
        *,
        size_pt: float = 7.5,
    ) -> None:
        left, bottom, width, height = box
        gap = 0.036
        each = (height - gap * (len(TITLES) - 1)) / len(TITLES)
        self._panels: list[Axes] = []
        for i, title in enumerate(TITLES):
            ax = figure.add_axes((left, bottom + height - each - i * (each + gap), width, each))
            # A fixed height of the title saves matplotlib a search for room at every drawing.
            ax.set_title(title, fontsize=size_pt, loc="left", pad=3.0, y=1.0, color=INK)
            ax.tick_params(labelsize=size_pt, length=2.5, pad=2.0, labelbottom=i == len(TITLES) - 1)
            ax.grid(visible=True, linewidth=0.4, alpha=0.5)
            # Hours divide by 3 and 6, and so should their ticks.
            ax.xaxis.set_major_locator(MaxNLocator(nbins=9, steps=[1, 2, 3, 5, 6, 10]))
            ax.yaxis.set_major_locator(MaxNLocator(nbins=6))
            for side in ("top", "right"):
                ax.spines[side].set_visible(False)
            self._panels.append(ax)
        price, power, charge, voltage = self._panels
        voltage.set_xlabel("hour of the episode", fontsize=size_pt, labelpad=2.0)
        charge.set_ylim(0.0, 100.0)
        for limit in (V_MIN_PU, V_MAX_PU):
            voltage.axhline(limit, color=VIOLATION, lw=0.9, ls=(0, (4, 3)))
        self._price = {name: _line(price, color, name) for name, color in colors.items()}
        self._load = _line(power, LOAD_COLOR, "load")
        self._exchange = {name: _line(power, color, name) for name, color in colors.items()}
        self._soc: dict[tuple[str, str], Line2D] = {}
        names = [device for _, device in storages]
        for agent, device in storages:
            label = device if names.count(device) == 1 else f"{agent} {device}"
            dashes = DASHES[sum(owner == agent for owner, _ in self._soc) % len(DASHES)]
            self._soc[agent, device] = _line(charge, colors[agent], label, dashes)
        self._low = _line(voltage, LOW_COLOR, "lowest")
        self._high = _line(voltage, HIGH_COLOR, "highest")
        for ax, lines in (
            (price, [*self._price.values()]),
            (power, [self._load]),
            (charge, [*self._soc.values()]),
            (voltage, [self._low, self._high]),
        ):
            if 0 < len(lines) <= LARGEST_LEGEND:
                _legend(ax, lines, size_pt)

    def update(self, record: EpisodeRecord) -> None:
        """Show other curves; the axes fit them."""
        hours = record.step_s / HOUR_S
        for ax in self._panels:
            ax.set_xlim(0.0, record.n_step * hours)
        for name, line in self._price.items():
            _hold(line, record.price.get(name, ()), hours)
        _hold(self._load, record.load_mw, hours)
        for name, line in self._exchange.items():
            _hold(line, record.exchange_mw.get(name, ()), hours)
        for key, line in self._soc.items():
            values = record.soc.get(key, ())
            line.set_data(np.arange(len(values)) * hours, 100.0 * np.array(values))
        _hold(self._low, record.v_min_pu, hours)
        _hold(self._high, record.v_max_pu, hours)
        price, power, _, voltage = self._panels
        _fit(price, [*record.price.values(), [0.0]])
        _fit(power, [record.load_mw, *record.exchange_mw.values(), [0.0]])
        _fit(voltage, [record.v_min_pu, record.v_max_pu, [V_MIN_PU, V_MAX_PU]])


def _line(ax: Axes, color: str, label: str, dashes: str = "solid") -> Line2D:
    line = Line2D([], [], color=color, lw=1.4, ls=dashes, label=label)
    ax.add_line(line)
    return line


def _legend(ax: Axes, lines: Sequence[Line2D], size_pt: float) -> None:
    """Name the lines in one row above the panel, at the right."""
    ax.legend(
        handles=list(lines),
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        borderaxespad=0.0,
        borderpad=0.1,
        frameon=False,
        ncols=len(lines),
        fontsize=size_pt,
        handlelength=1.5,
        handletextpad=0.3,
        columnspacing=0.9,
    )


def _hold(line: Line2D, values: Sequence[float], hours: float) -> None:
    """Show values that hold over an interval each."""
    held = [*values, *values[-1:]]
    line.set_drawstyle("steps-post")
    line.set_data(np.arange(len(held)) * hours, held)


def _fit(ax: Axes, curves: Sequence[Sequence[float]]) -> None:
    """Choose the limits of y from the finite values, with a margin."""
    values = np.array([value for curve in curves for value in curve], dtype=np.float64)
    values = values[np.isfinite(values)]
    low, high = float(values.min()), float(values.max())
    margin = 0.06 * (high - low) or 1.0
    ax.set_ylim(low - margin, high + margin)
