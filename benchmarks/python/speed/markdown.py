"""Tables and durations in Markdown, and the part of a file that a benchmark renews."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

__all__ = ["duration", "put_between_marks", "table"]


def table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """Return a table whose columns but the first are figures."""
    lines = ["| " + " | ".join(row) + " |" for row in (head, *body)]
    lines.insert(1, "|" + "|".join(["---", *(["---:"] * (len(head) - 1))]) + "|")
    return "\n".join(lines)


def duration(ns: float) -> str:
    """Return a time in the unit that suits it."""
    if ns < 999.5:
        return f"{ns:.3g} ns"
    return f"{ns * 1e-3:.3g} us" if ns < 999_500.0 else f"{ns * 1e-6:.3g} ms"


def put_between_marks(path: Path, text: str, marks: tuple[str, str]) -> None:
    """Replace what stands between the marks of a file."""
    old = path.read_text(encoding="utf-8")
    if any(old.count(mark) != 1 for mark in marks):
        raise SystemExit(f"{path} must have {marks[0]} and {marks[1]}, each once")
    before, rest = old.split(marks[0])
    after = rest.split(marks[1])[1]
    path.write_text(f"{before}{marks[0]}\n{text}\n{marks[1]}{after}", encoding="utf-8")
