"""What a figure must show."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Requirement"]


@dataclass(frozen=True)
class Requirement:
    """One figure and its bound; without a bound, or without a value, it is only reported."""

    text: str
    value: float | None
    bound: str
    holds: bool | None
    is_required: bool = True

    def __str__(self) -> str:
        verdict = {True: "holds", False: "FAILS", None: "not measured"}[self.holds]
        if not self.is_required:
            verdict = "reported" if self.holds is not False else "WARNING"
        value = "" if self.value is None else f"{self.value:.3g}"
        return f"{verdict}: {self.text}: {value} {self.bound}".rstrip()
