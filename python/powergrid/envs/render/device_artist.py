"""The symbol of one device, its text, and the level of a battery."""

from __future__ import annotations

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from powergrid.envs.render.arrangement import Callout
from powergrid.envs.render.diagram import DeviceMark, DeviceReading
from powergrid.envs.render.symbols import DEVICE_COLORS, DEVICE_LETTERS, PAPER
from powergrid.envs.render.text import format_power

__all__ = ["DeviceArtist"]

BATTERY_HEIGHT = 12.0  # of the level in a full battery
OFF_ALPHA = 0.45


class DeviceArtist:
    """A device beside its bus: a battery, or a letter in a circle or (solar) a square.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    device : DeviceMark
    place : Callout
    size_pt : float
        Size of the letters.
    """

    def __init__(self, ax: Axes, device: DeviceMark, place: Callout, size_pt: float) -> None:
        self._name = device.key[1]
        self._level: Rectangle | None = None
        color = DEVICE_COLORS[device.kind]
        x, y = place.symbol_at
        self._text = ax.text(
            float(place.text_at[0]),
            float(place.text_at[1]),
            self._name,
            color=color,
            ha=place.align,
            va="center",
            fontsize=size_pt,
            linespacing=1.0,
            zorder=10,
        )
        self._parts: list[Artist] = [self._text]
        if device.kind == "storage":
            self._level = Rectangle((x - 4.5, y - 7.0), 9.0, 0.0, fc=color, ec="none", zorder=7)
            for part in (
                Rectangle((x - 6.0, y - 8.5), 12.0, 15.0, fc=PAPER, ec=color, lw=1.2, zorder=6),
                Rectangle((x - 2.5, y + 6.5), 5.0, 2.5, fc=color, ec=color, lw=0.8, zorder=6),
                self._level,
            ):
                ax.add_patch(part)
                self._parts.append(part)
            return
        shape = "s" if device.kind == "solar" else "o"
        body = Line2D(
            [x], [y], ls="none", marker=shape, ms=11.5, mfc=PAPER, mec=color, mew=1.2, zorder=6
        )
        ax.add_line(body)
        letters = ax.text(
            x,
            y,
            DEVICE_LETTERS[device.kind],
            color=color,
            ha="center",
            va="center",
            weight="bold",
            fontsize=6.0,
            zorder=7,
        )
        self._parts += [body, letters]

    def update(self, reading: DeviceReading) -> None:
        """Show another power and state of charge; a unit off line is pale."""
        second = format_power(reading.p_mw) if reading.is_on else "off"
        if reading.soc is not None:
            second += f" {100.0 * reading.soc:.0f}%"
            if self._level is not None:
                self._level.set_height(BATTERY_HEIGHT * float(np.clip(reading.soc, 0.0, 1.0)))
        self._text.set_text(f"{self._name}\n{second}")
        for part in self._parts:
            part.set_alpha(1.0 if reading.is_on else OFF_ALPHA)
