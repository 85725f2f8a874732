"""What the figures must show, as ratios within one run wherever possible."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from speed import decisions, handlers, loops
from speed.machine import is_reference_class
from speed.measure import Measurement
from speed.verdict import Requirement

__all__ = ["find", "requirements"]

N_AGENT = 1_000


def find(
    results: Sequence[Measurement], what: str, n: int | None = None, jitter: str | None = None
) -> Measurement | None:
    """Return the measurement of something, with so many agents and such jitter; None if absent."""
    for result in results:
        key = result.key
        if result.what == what and n in (None, key["n"]) and jitter in (None, key["jitter"]):
            return result
    return None


def requirements(results: Sequence[Measurement], machine: dict[str, Any]) -> list[Requirement]:
    """Hold the results against what is required of them."""
    native = find(results, loops.NATIVE, N_AGENT, "uniform")
    compiled = find(results, handlers.COMPILED, N_AGENT, "uniform")
    decision = find(results, decisions.DECISION)

    def ratio(text: str, fast: Measurement | None, slow: str, least: float | None) -> Requirement:
        other = find(results, slow, N_AGENT, "uniform")
        value = other.ns / fast.ns if fast and other else None
        if least is None:
            return Requirement(text, value, "times faster", None, is_required=False)
        holds = None if value is None else value >= least
        return Requirement(text, value, f"times faster (at least {least:g})", holds)

    rate = 1e3 / native.ns if native else None
    us = decision.ns * 1e-3 if decision else None
    return [
        Requirement(
            "native loop, million events/s",
            rate,
            "(at least 8 on a quiet 2.5 GHz core with AVX-512)",
            None if rate is None else rate >= 8.0,
            is_required=is_reference_class(machine),
        ),
        # Of equal work: events in the same total order, each agent its own timing, a handler.
        ratio(
            "native loop against a heapq loop that does the same", native, loops.ORDERED_HEAPQ, 12.0
        ),
        ratio("native loop against SimPy", native, loops.SIMPY, 20.0),
        ratio("Python handlers against the same program on heapq", compiled, handlers.PEER, 3.0),
        Requirement(
            "a batched decision with its observation, us",
            us,
            "(at most 0.5)",
            None if us is None else us <= 0.5,
        ),
        ratio("native loop against the barest heapq loop", native, loops.BARE_HEAPQ, None),
        ratio("native loop against the parity reference", native, loops.REFERENCE, None),
        ratio("Python handlers against the reference", compiled, handlers.REFERENCE, None),
    ]
