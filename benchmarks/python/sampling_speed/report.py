"""What the figures become: JSON, and Markdown for a page and for the README."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from speed.markdown import table
from speed.measure import Measurement
from speed.verdict import Requirement

from sampling_speed import iteration, sampling
from sampling_speed.iteration import Iterations
from sampling_speed.problem import EPISODE, N_EPOCH, SETUP
from sampling_speed.required import N_ENV, find, samples

__all__ = ["MARKS", "Figures", "content", "page", "readme_part"]

MARKS = ("<!-- rllib-speed:begin -->", "<!-- rllib-speed:end -->")


@dataclass(frozen=True)
class Figures:
    """All that was measured, and what it must show."""

    machine: dict[str, Any]
    n_turn: int
    minibatch_size: int
    sampled: Sequence[Measurement]
    iterations: Sequence[Iterations]
    errors: dict[int, float]  # of episodes, by number of environments
    required: Sequence[Requirement]


def content(figures: Figures) -> dict[str, Any]:
    """Return all that was measured, for JSON."""
    return {
        "machine": figures.machine,
        "n_turn": figures.n_turn,
        "setup": SETUP,
        "episode_steps": EPISODE,
        "num_epochs": N_EPOCH,
        "minibatch_size": figures.minibatch_size,
        "clock": "sampling: processor time of the process; iterations: time on the wall",
        "largest_difference_of_episodes": {str(n): e for n, e in figures.errors.items()},
        "sampling": [
            {
                "what": row.what,
                **row.key,
                "n_in_turn": row.n,
                "steps_a_second": _round(1e9 / row.ns),
                "turns_us": [_round(ns * 1e-3) for ns in row.turns_ns],
            }
            for row in figures.sampled
        ],
        "iterations": [
            {
                "what": row.what,
                "environments": row.n_env,
                "steps": row.n_step,
                "median_s": _round(row.median()),
                "turns_s": [_round(s) for s in row.total_s],
                "stages_s": {k: [_round(s) for s in v] for k, v in row.stages_s.items()},
            }
            for row in figures.iterations
        ],
        "requirements": [asdict(requirement) for requirement in figures.required],
    }


def page(figures: Figures) -> str:
    """Return the page with every table."""
    parts = [
        "# Speed of sampling and learning with RLlib",
        _origin(figures),
        "\n".join(f"- {requirement}" for requirement in figures.required),
        "## Sampling",
        _sampling(figures.sampled),
        "## An iteration of PPO",
        _explain(figures),
        _iterations(figures.iterations),
        f"## Where the time goes with {N_ENV} environments",
        _stages(figures.iterations),
    ]
    return "\n\n".join(parts) + "\n"


def readme_part(figures: Figures) -> str:
    """Return what stands in the README between the marks."""
    machine = figures.machine
    origin = textwrap.fill(
        f"Setup `{SETUP}`, three agents with one policy, episodes of {EPISODE} steps; an iteration "
        f"of PPO has 4,000 environment steps, {N_EPOCH} epochs and minibatches of "
        f"{figures.minibatch_size:,}. One core of {machine['processor']} at "
        f"{machine['clock_ghz']} GHz, medians of {figures.n_turn} turns.",
        width=100,
    )
    return f"{origin}\n\n{_sampling(figures.sampled)}\n\n{_iterations(figures.iterations)}"


# --- tables -----------------------------------------------------------------------------------


def _sampling(rows: Sequence[Measurement]) -> str:
    body = []
    for n_env in dict.fromkeys(int(row.key["environments"]) for row in rows):
        stock, batched = (samples(rows, w, n_env) for w in (sampling.STOCK, sampling.BATCHED))
        assert stock is not None
        assert batched is not None
        rates = [_figure(1e9 / row.ns) for row in (stock, batched)]
        body.append([str(n_env), *rates, _figure(stock.ns / batched.ns)])
    head = ["environments", f"{sampling.STOCK}, environment steps/s", sampling.BATCHED]
    return table([*head, "times faster"], body)


def _iterations(rows: Sequence[Iterations]) -> str:
    body = []
    for row in rows:
        stock = find(rows, iteration.STOCK, row.n_env)
        assert stock is not None
        seconds = [row.median(p) for p in ("sampling", "connectors", "learner", "the rest", "")]
        body.append(
            [
                f"{row.n_env}: {row.what}",
                *(_figure(s) for s in seconds),
                _figure(stock.median("sampling") / seconds[0]),
                _figure(stock.median() / seconds[-1]),
            ]
        )
    head = ["environments: who", "sampling, s", "connectors, s", "learner, s", "the rest, s"]
    return table([*head, "whole, s", "sampling, times faster", "whole, times faster"], body)


def _stages(rows: Sequence[Iterations]) -> str:
    shown = [row for row in rows if row.n_env == N_ENV] or list(rows[-len(iteration.KINDS) :])
    names = list(shown[0].stages_s)
    body = [
        [name, *(f"{_figure(r.median(name))} ({r.median(name) / r.median():.0%})" for r in shown)]
        for name in names
    ]
    return table(["s", *(row.what for row in shown)], body)


def _explain(figures: Figures) -> str:
    n_step = max(row.n_step for row in figures.iterations)
    return textwrap.fill(
        f"Of up to {n_step:,} environment steps of three agents, {N_EPOCH} epochs of minibatches "
        f"of {figures.minibatch_size:,} rows. Connectors are what makes a train batch of episodes, "
        "with the advantages; the learner is what follows; the rest is the synchronisation of "
        "weights and the making of results.",
        width=100,
    )


def _origin(figures: Figures) -> str:
    machine = figures.machine
    versions = ", ".join(
        f"{name} {version}" for name, version in machine["packages"].items() if version
    )
    return textwrap.fill(
        f"Setup {SETUP}, three agents with one policy, networks of 2 x 128 units for policy and "
        f"values, exploring; medians of {figures.n_turn} turns on one core in one run. Checked "
        "first: without exploration both runners sample the same episodes, within "
        f"{max(figures.errors.values()):.0e} in all numbers that networks have a part in, the "
        "environments answer to the same actions with the same bits, and train batches are the "
        f"same to the last bit. {machine['processor']} at {machine['clock_ghz']} GHz, load "
        f"{machine['load_average']} before the run, {machine['python']}, {versions}.",
        width=100,
    )


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 99.5 else f"{value:.3g}"


def _round(value: float) -> float:
    return float(f"{value:.5g}")
