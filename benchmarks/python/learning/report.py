"""The learning report: tables, claims, curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from speed.verdict import Requirement

from learning.judging import CAUSAL, RULES, Peers, Verdict
from learning.training import Progress

__all__ = ["Judged", "draw", "page", "requirements"]

Run = tuple[str, int]  # algorithm, seed
BOUND = "perfect-foresight bound"
CURVES = (
    "Curves are of the days that are sampled, exploring; violations are of training's narrower "
    "limits."
)


@dataclass(frozen=True)
class Judged:
    """Verdicts on trainings, and whom they were compared with on which days."""

    peers: Peers
    verdicts: Mapping[Run, Verdict]


def requirements(table: Judged, others: Judged) -> list[Requirement]:
    """Return what the days of the table must show, and what the other days say to it."""
    return [
        *_requirements(table, "days of the table", is_required=True),
        *_requirements(others, "other days", is_required=False),
    ]


def _requirements(judged: Judged, days: str, *, is_required: bool) -> list[Requirement]:
    result = []
    for algorithm in dict.fromkeys(name for name, _ in judged.verdicts):
        of = [verdict for (name, _), verdict in judged.verdicts.items() if name == algorithm]
        good, needed = sum(v.is_good for v in of), -(-2 * len(of) // 3)
        text = (
            f"{algorithm}, {days}: seeds of {len(of)} that beat {RULES} (paired 95 % interval "
            f"above 0) with no more violations and close half of the gap to {CAUSAL}"
        )
        bound = f"(at least {needed})"
        result.append(Requirement(text, good, bound, good >= needed, is_required=is_required))
    return result


def page(
    setup: str,
    progresses: Mapping[Run, Progress],
    judged: Sequence[Judged],
    required: Sequence[Requirement],
    image: str,
    origin: str,
) -> str:
    """Return the report in Markdown."""
    table, others = judged
    introduction = (
        f"The most likely actions of the networks after training, played over episodes of the test "
        f"split; returns are summed over agents, intervals are 95 % bootstrap intervals, and "
        f"differences are paired by day. The gap is that from {RULES} to {CAUSAL}, the causal "
        f"benchmark. Safety is summed over all episodes. Time is that of the iterations, in one "
        f"process of one thread."
    )
    return "\n\n".join(
        [
            f"# Learned policies on `{setup}`",
            introduction,
            f"## The {len(table.peers.days)} days of `make table`",
            _table(table, progresses),
            f"## {len(others.peers.days)} other days",
            f"Halfway between those: {', '.join(map(str, others.peers.days))}.",
            _table(others, None),
            "## Verdict",
            "\n".join(f"- {requirement}" for requirement in required),
            f"![Learning curves]({image})",
            CURVES,
            origin,
        ]
    ) + "\n"  # fmt: skip


def _table(judged: Judged, progresses: Mapping[Run, Progress] | None) -> str:
    head = [
        "policy", "return [$ a day]", f"above {RULES}", "gap closed", "of that to the bound",
        "summed safety",
    ]  # fmt: skip
    if progresses is not None:
        head += ["env steps", "wall [s]", "CPU [s]"]
    peers = judged.peers
    rows = [head, ["---"] * len(head)]
    for (name, seed), v in judged.verdicts.items():
        row = [
            f"{name}, seed {seed}",
            f"{v.mean_return.mean:.1f} [{v.mean_return.low:.1f}, {v.mean_return.high:.1f}]",
            f"{v.advantage.mean:+.1f} [{v.advantage.low:+.1f}, {v.advantage.high:+.1f}]",
            f"{v.gap_closed:.0%}",
            f"{v.gap_to_bound_closed:.0%}",
            f"{v.safety:.4f}",
        ]
        if progresses is not None:
            p = progresses[name, seed]
            row += [f"{p.n_step[-1]:,}", f"{p.wall_s:.0f}", f"{p.cpu_s:.0f}"]
        rows.append(row)
    for name in (RULES, CAUSAL):
        returns, safety = peers.returns[name].mean(), peers.safety[name].sum()
        row = [name, f"{returns:.1f}", "", "", "", f"{safety:.4f}"]
        rows.append(row + [""] * (len(head) - len(row)))
    rows.append([BOUND, f"{peers.bound.mean():.1f}", *[""] * (len(head) - 2)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


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
                          ha="right", va="top" if name.startswith(CAUSAL) else "bottom",
                          fontsize=7, color="0.3", bbox={"fc": "w", "ec": "none", "alpha": 0.7,
                                                         "pad": 1.0})  # fmt: skip
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
