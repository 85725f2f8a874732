"""The figures as one plot: steps a second by lanes, and where the time goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

from environment_speed import batch, grid2op_peer, single
from environment_speed.groups import Row
from environment_speed.stages import Breakdown

__all__ = ["draw"]


def draw(
    steps: Sequence[Row], threads: Sequence[Row], stages: Sequence[Breakdown], path: Path
) -> None:
    """Plot steps a second over lanes and the stages of a step, as SVG."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    # Text stays text, and equal figures give an equal file.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "heron", "font.size": 9}):
        figure, (by_lanes, by_stage) = plt.subplots(
            1, 2, figsize=(12.0, 4.2), layout="constrained", width_ratios=(1.0, 1.3)
        )
        _by_lanes(by_lanes, steps, threads)
        _by_stage(by_stage, stages)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


def _by_lanes(axes: Any, steps: Sequence[Row], threads: Sequence[Row]) -> None:
    lanes = sorted({int(row.time.key["lanes"]) for row in threads})
    singles = (single.REFERENCE, single.REFERENCE_NATIVE_FLOW, single.PETTINGZOO)
    others = [
        row
        for row in steps
        if row.time.what in singles or row.time.what.startswith(grid2op_peer.GRID2OP)
    ]
    for colour, row in enumerate(others):
        axes.axhline(row.steps_a_second, color=f"C{colour + 2}", ls="--", lw=1, label=row.time.what)
    for n_thread in (1, 2):
        rows = [row for row in threads if row.time.key["threads"] == n_thread]
        axes.plot(
            [row.time.key["lanes"] for row in rows],
            [row.steps_a_second for row in rows],
            "o-",
            ms=3,
            color=f"C{n_thread - 1}",
            label=f"{batch.BATCH}, {n_thread} thread{'s' * (n_thread > 1)}",
        )
    axes.set(xscale="log", yscale="log", xlabel="lanes", ylabel="environment steps a second")
    axes.set_xticks(lanes, [f"{n:,}" for n in lanes], fontsize=7)
    axes.minorticks_off()
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(fontsize=6, loc="lower right", bbox_to_anchor=(1.0, 0.06))


def _by_stage(axes: Any, stages: Sequence[Breakdown]) -> None:
    """Draw a bar for each kind, of the shares of its stages."""
    names = list(dict.fromkeys(name for found in stages for name in found.stages_us))
    colours = mpl.colormaps["tab20"].colors
    labels = [f"{found.n_lane:,} lanes" if found.n_lane else "PettingZoo" for found in stages]
    labels = [f"{x}\n{found.total_us:.3g} us" for x, found in zip(labels, stages, strict=True)]
    left = [0.0] * len(stages)
    for k, name in enumerate(names):
        widths = [
            max(found.share(name), 0.0) if name in found.stages_us else 0.0 for found in stages
        ]
        axes.barh(labels, widths, left=left, color=colours[k % 20], label=name)
        left = [a + b for a, b in zip(left, widths, strict=True)]
    axes.set(xlabel="share of a step", title="where the time goes", xlim=(0.0, 1.0))
    axes.invert_yaxis()
    axes.legend(fontsize=6, loc="center left", bbox_to_anchor=(1.0, 0.5))
