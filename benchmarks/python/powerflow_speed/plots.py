"""The figures as one plot: by lanes, by networks, by buses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

from powerflow_speed import native
from powerflow_speed.groups import Row
from powerflow_speed.report import best_of_each

__all__ = ["draw"]


def draw(tables: Mapping[str, Sequence[Row]], path: Path) -> None:
    """Plot the time of a lane's solve, as SVG."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    # Text stays text, and equal figures give an equal file.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "heron", "font.size": 9}):
        figure, (lanes, networks, buses) = plt.subplots(
            1, 3, figsize=(15.0, 4.2), layout="constrained", width_ratios=(1.0, 2.2, 1.0)
        )
        _by_lanes(lanes, tables["networks"])
        _by_networks(networks, tables["networks"])
        _by_buses(buses, tables["buses"])
        for axes in (lanes, networks, buses):
            axes.set(yscale="log", ylabel="us a lane")
            axes.grid(visible=True, which="major", alpha=0.3)
        lanes.legend(fontsize=7)
        buses.legend(fontsize=6)
        networks.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


def _by_lanes(axes: Any, rows: Sequence[Row]) -> None:
    names = list(dict.fromkeys(str(row.time.key["network"]) for row in rows))
    for colour, name in enumerate(names):
        for start, style in (("warm", "o-"), ("cold", "o:")):
            points = [
                (row.time.key["lanes"], row.us)
                for row in rows
                if row.has(what=native.BATCH, network=name, start=start)
            ]
            label = name if start == "warm" else None
            axes.plot(*zip(*points, strict=True), style, color=f"C{colour}", ms=3, label=label)
    axes.set(xscale="log", xlabel="lanes", title="native: warm, dotted from a flat start")


def _by_networks(axes: Any, rows: Sequence[Row]) -> None:
    names = list(dict.fromkeys(str(row.time.key["network"]) for row in rows))
    kinds = best_of_each(rows)
    colours = mpl.colormaps["tab20"].colors
    width = 0.8 / len(kinds)
    for k, (label, by_network) in enumerate(kinds.items()):
        places = [i + (k + 0.5) * width - 0.4 for i, name in enumerate(names) if name in by_network]
        heights = [by_network[name].us for name in names if name in by_network]
        axes.bar(places, heights, width, color=colours[k], label=label)
    axes.set_xticks(range(len(names)), names, rotation=25, ha="right")
    axes.set_title("one thread, one solve of a lane")


def _by_buses(axes: Any, rows: Sequence[Row]) -> None:
    for what in dict.fromkeys(row.time.what for row in rows):
        points = [(int(row.time.key["network"]), row.us) for row in rows if row.time.what == what]
        axes.plot(*zip(*points, strict=True), "o-", ms=3, label=what)
    lanes = rows[0].time.key["lanes"]
    axes.set(xscale="log", xlabel="buses", title=f"radial networks, batches of {lanes}")
