"""A clock on chosen methods: how long each takes by itself, without those it calls."""

from __future__ import annotations

import time
from typing import Any

__all__ = ["StageClock"]


class StageClock:
    """Clocks on methods of some objects.

    Attributes
    ----------
    spent_ns : dict of str to float
        Time by name of the stage, less what the clocks themselves take.
    n_call : dict of str to int
        Calls by name of the stage.
    """

    def __init__(self) -> None:
        self.spent_ns: dict[str, float] = {}
        self.n_call: dict[str, int] = {}
        self._inner = [0.0]  # of each call under way, what those inside it have taken
        self._own_ns = self._cost()

    def watch(self, owner: Any, method: str, stage: str) -> None:
        """Put a clock on a method, under the name of a stage; several may share one."""
        original = getattr(owner, method)
        self.spent_ns.setdefault(stage, 0.0)
        self.n_call.setdefault(stage, 0)
        inner, spent, calls, now = self._inner, self.spent_ns, self.n_call, time.perf_counter_ns

        def clocked(*args: Any, **kwargs: Any) -> Any:
            inner.append(0.0)
            began = now()
            answer = original(*args, **kwargs)
            took = now() - began
            spent[stage] += took - inner.pop() - self._own_ns
            inner[-1] += took
            calls[stage] += 1
            return answer

        setattr(owner, method, clocked)

    def forget(self) -> None:
        """Begin anew."""
        for stage in self.spent_ns:
            self.spent_ns[stage], self.n_call[stage] = 0.0, 0

    def _cost(self) -> float:
        """Return what the clock shows for a method that does nothing [ns]."""
        self._own_ns = 0.0

        class Nothing:
            def do(self) -> None:
                pass

        nothing = Nothing()
        self.watch(nothing, "do", "nothing")
        best = float("inf")
        for _ in range(20):
            self.forget()
            for _ in range(500):
                nothing.do()
            best = min(best, self.spent_ns["nothing"] / 500)
        self.spent_ns.clear()
        self.n_call.clear()
        return best
