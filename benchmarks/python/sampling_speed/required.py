"""What the figures must show."""

from __future__ import annotations

from collections.abc import Sequence

from speed.measure import Measurement
from speed.verdict import Requirement

from sampling_speed import iteration, sampling
from sampling_speed.iteration import Iterations

__all__ = ["N_ENV", "find", "requirements", "samples"]

N_ENV = 32


def samples(rows: Sequence[Measurement], what: str, n_env: int) -> Measurement | None:
    """Return a row of the table of sampling; None if there is none."""
    return next((r for r in rows if r.what == what and r.key["environments"] == n_env), None)


def find(rows: Sequence[Iterations], what: str, n_env: int) -> Iterations | None:
    """Return a row of the table of iterations; None if there is none."""
    return next((r for r in rows if r.what == what and r.n_env == n_env), None)


def requirements(
    sampled: Sequence[Measurement], iterations: Sequence[Iterations]
) -> list[Requirement]:
    """Hold the figures against what is required of them."""
    alone = [samples(sampled, what, N_ENV) for what in (sampling.STOCK, sampling.BATCHED)]
    whole = [find(iterations, w, N_ENV) for w in (iteration.STOCK, iteration.ARRAYS)]
    of = f"with {N_ENV} environments"
    return [
        _ratio(f"sampling {of}", [None if r is None else r.ns for r in alone], 10.0),
        _ratio(f"sampling in an iteration of PPO {of}", _seconds(whole, "sampling"), 10.0),
        _ratio(f"a whole iteration of PPO {of}", _seconds(whole, ""), 1.8),
        _ratio(f"connectors {of}", _seconds(whole, "connectors"), None),
        _ratio(f"connectors and learner {of}", _learning(whole), None),
    ]


def _seconds(rows: Sequence[Iterations | None], prefix: str) -> list[float | None]:
    return [None if row is None else row.median(prefix) for row in rows]


def _learning(rows: Sequence[Iterations | None]) -> list[float | None]:
    return [None if r is None else r.median("connectors") + r.median("learner") for r in rows]


def _ratio(text: str, pair: Sequence[float | None], least: float | None) -> Requirement:
    slow, fast = pair
    value = slow / fast if slow and fast else None
    if least is None:
        return Requirement(text, value, "times faster", None, is_required=False)
    holds = None if value is None else value >= least
    return Requirement(text, value, f"times faster (at least {least:g})", holds)
