"""The figures as one plot: steps a second by environments, and where an iteration's time goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from speed.measure import Measurement

from sampling_speed import sampling
from sampling_speed.iteration import KINDS, Iterations

__all__ = ["draw"]


def draw(sampled: Sequence[Measurement], iterations: Sequence[Iterations], path: Path) -> None:
    """Plot sampling over environments and the stages of iterations, as SVG."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    # Text stays text, and equal figures give an equal file.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "heron", "font.size": 9}):
        figure, (by_environments, by_stage) = plt.subplots(
            1, 2, figsize=(12.0, 4.2), layout="constrained", width_ratios=(1.0, 1.5)
        )
        _by_environments(by_environments, sampled)
        _by_stage(by_stage, iterations)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


def _by_environments(axes: Any, sampled: Sequence[Measurement]) -> None:
    for what in (sampling.STOCK, sampling.BATCHED):
        rows = [row for row in sampled if row.what == what]
        n_envs = [int(row.key["environments"]) for row in rows]
        axes.plot(n_envs, [1e9 / row.ns for row in rows], "o-", ms=4, label=what)
    axes.set(xscale="log", yscale="log", xlabel="environments", ylabel="environment steps a second")
    axes.set_xticks(n_envs, [str(n) for n in n_envs])
    axes.minorticks_off()
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(fontsize=7)


def _by_stage(axes: Any, iterations: Sequence[Iterations]) -> None:
    colours = mpl.colormaps["tab20"].colors
    short = dict(zip(KINDS, ("RLlib", "batched runner", "and array learner"), strict=True))
    labels = [f"{row.n_env}: {short[row.what]}" for row in iterations]
    left = [0.0] * len(iterations)
    for k, stage in enumerate(iterations[0].stages_s):
        widths = [max(row.median(stage), 0.0) for row in iterations]
        axes.barh(labels, widths, left=left, color=colours[k], label=stage)
        left = [a + b for a, b in zip(left, widths, strict=True)]
    axes.set(xlabel="s", title="an iteration of PPO")
    axes.invert_yaxis()
    axes.legend(fontsize=6)
