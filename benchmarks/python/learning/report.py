"""The learning report: table, claims, curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from learning.judging import CAUSAL, RULES, Peers, Verdict
from learning.training import Progress

__all__ = ["claims", "draw", "page"]

Run = tuple[str, int]  # algorithm, seed


def claims(verdicts: Mapping[Run, Verdict]) -> list[tuple[str, bool]]:
    """Return what was to be shown, and whether it was, algorithm by algorithm."""
    result = []
    for algorithm in dict.fromkeys(name for name, _ in verdicts):
        of = [verdict for (name, _), verdict in verdicts.items() if name == algorithm]
        good, needed = sum(v.is_good for v in of), -(-2 * len(of) // 3)
        result.append(
            (
                (
                    f"{algorithm}: {good} of {len(of)} seeds beat {RULES} (paired 95 % interval "
                    f"above 0) with no more violations and close half of the gap to {CAUSAL} (at "
                    f"least {needed})"
                ),
                good >= needed,
            )
        )
    return result


def page(
    setup: str,
    progresses: Mapping[Run, Progress],
    verdicts: Mapping[Run, Verdict],
    peers: Peers,
    origin: str,
) -> str:
    """Return the report in Markdown."""
    head = [
        "policy", "return [$ a day]", f"above {RULES}", "gap closed", "of that to the bound",
        "summed safety", "env steps", "wall [s]", "CPU [s]",
    ]  # fmt: skip
    rows = [head, ["---"] * len(head)]
    for (name, seed), v in verdicts.items():
        p = progresses[name, seed]
        rows.append(
            [
                f"{name}, seed {seed}",
                f"{v.mean_return.mean:.1f} [{v.mean_return.low:.1f}, {v.mean_return.high:.1f}]",
                f"{v.advantage.mean:+.1f} [{v.advantage.low:+.1f}, {v.advantage.high:+.1f}]",
                f"{v.gap_closed:.0%}",
                f"{v.gap_to_bound_closed:.0%}",
                f"{v.safety:.4f}",
                f"{p.n_step[-1]:,}",
                f"{p.wall_s:.0f}",
                f"{p.cpu_s:.0f}",
            ]
        )
    for name in (RULES, CAUSAL):
        total = f"{peers.safety[name].sum():.4f}"
        rows.append([name, f"{peers.returns[name].mean():.1f}", "", "", "", total, "", "", ""])
    rows.append(["perfect-foresight bound", f"{peers.bound.mean():.1f}", *[""] * 7])
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    said = "\n".join(
        f"- {'holds' if holds else 'FAILS'}: {text}" for text, holds in claims(verdicts)
    )
    introduction = (
        f"The most likely actions of the networks after training, played over the "
        f"{len(peers.days)} episodes of the test split that `make table` plays; returns are "
        f"summed over agents, intervals are 95 % bootstrap intervals, and differences are paired "
        f"by day. The gap is that from {RULES} to {CAUSAL}, the causal benchmark. Safety is "
        f"summed over all episodes. Time is that of the iterations, in one process of one thread."
    )
    return "\n\n".join(
        [
            f"# Learned policies on `{setup}`",
            introduction,
            table,
            said,
            "![Learning curves](learning.svg)",
            origin,
        ]
    ) + "\n"  # fmt: skip


def draw(progresses: Mapping[Run, Progress], peers: Peers, path: Path) -> None:
    """Draw returns and violations of the days that were sampled, over environment steps."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(name for name, _ in progresses))
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "heron", "font.size": 9}):
        figure = Figure(figsize=(8.0, 3.4), layout="constrained")
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2)
        for (name, seed), progress in progresses.items():
            steps = np.array(progress.n_step) / 1000.0
            look = {"color": f"C{names.index(name)}", "lw": 1.0, "alpha": 0.8}
            label = name if seed == min(s for n, s in progresses if n == name) else None
            left.plot(steps, progress.day_return, label=label, **look)
            right.plot(steps, np.maximum(progress.violations, 1e-5), **look)
        for k, (name, values) in enumerate(_levels(peers)):
            left.axhline(float(values.mean()), color="0.4", lw=0.8, ls=("--", ":", "-.")[k])
            left.annotate(name, (0.99, float(values.mean())), xycoords=("axes fraction", "data"),
                          ha="right", va="bottom", fontsize=7, color="0.3")  # fmt: skip
        left.set(xlabel="environment steps / 1000", ylabel="return [$ a day]")
        right.set(xlabel="environment steps / 1000", ylabel="violations a day", yscale="log")
        left.legend(loc="lower center")
        for axes in (left, right):
            axes.grid(alpha=0.3)
        figure.savefig(path, metadata={"Date": None})


def _levels(peers: Peers) -> Sequence[tuple[str, np.ndarray]]:
    return [
        (f"{RULES}, test days", peers.returns[RULES]),
        (f"{CAUSAL}, test days", peers.returns[CAUSAL]),
        ("bound, test days", peers.bound),
    ]
