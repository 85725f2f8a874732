"""The command line that the benchmarks share, and what they leave behind."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from speed.verdict import Requirement

__all__ = [
    "ROOT", "complete", "conclude", "keep_to_one_thread", "options_of", "parser_of", "told", "write"
]  # fmt: skip

ROOT = Path(__file__).resolve().parents[3]
QUICK = ROOT / "build" / "benchmarks" / "quick"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
Answer = TypeVar("Answer")


def keep_to_one_thread() -> None:
    """Start the program again if the libraries below NumPy may use several threads.

    Those wait by spinning, and processor time is to be that of one core. They read the number when
    they are loaded.
    """
    if any(os.environ.get(name) != "1" for name in THREADS):
        environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)


def options_of(arguments: Sequence[str] | None, description: str, image: str) -> argparse.Namespace:
    """Read the command line of a benchmark that draws `image`."""
    return complete(parser_of(description).parse_args(arguments), image)


def parser_of(description: str) -> argparse.ArgumentParser:
    """Return what reads the options that all have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="a run of seconds, checks included")
    parser.add_argument("--out", type=Path, help="folder for the results")
    parser.add_argument("--image", type=Path, help="where the plot goes")
    parser.add_argument("--readme", type=Path, help="file whose table is renewed")
    return parser


def complete(options: argparse.Namespace, image: str, quick: Path = QUICK) -> argparse.Namespace:
    """Say where results go if the user does not: a full run renews what the repository keeps."""
    if not options.quick and options.out is None:
        options.readme = options.readme or ROOT / "README.md"
        options.image = options.image or ROOT / "docs" / "images" / image
    options.out = options.out or (quick if options.quick else ROOT / "benchmarks" / "results")
    options.image = options.image or options.out / image
    return options


def told(name: str, measure: Callable[[], Answer]) -> Answer:
    """Measure something and say how long that took."""
    began = time.perf_counter()
    answer = measure()
    print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    return answer


def write(folder: Path, name: str, content: dict[str, Any], page: str) -> None:
    """Write the figures and the page with their tables."""
    folder.mkdir(parents=True, exist_ok=True)
    data = json.dumps(content, indent=1)
    (folder / f"{name}.json").write_text(data + "\n", encoding="utf-8")
    (folder / f"{name}.md").write_text(page, encoding="utf-8")


def conclude(page: str, required: Sequence[Requirement], *, is_quick: bool) -> int:
    """Print the page; return the exit code."""
    print(page)
    if is_quick:
        print("A short run: the figures are rough, and nothing is required of them.")
        return 0
    return 0 if all(r.holds for r in required if r.is_required) else 1
