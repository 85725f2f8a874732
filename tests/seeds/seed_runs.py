"""Run the documents' blocks and commands, and say how each went.

python tests/seeds/seed_runs.py    # all of them, without pytest
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml
from seed_checks import CHECKS
from seed_documents import ROOT, Block, Command, Place, find_folder, read_blocks
from seed_substitutions import NEEDS, REFUSED, SCRIPTS, SUBSTITUTIONS

__all__ = ["Outcome", "run_blocks", "run_commands", "summary"]

# What the project's root holds that commands must not see, for they would write to it.
NOT_LINKED = {"build", "dist", "runs", "outputs", "checkpoints", "wandb"}

# Ray waits 30 s for its own processes, and on a busy machine it gives up now and then; a dozen of
# the commands start it.
RAY_GAVE_UP = "The current node timed out during startup"


@dataclass(frozen=True)
class Outcome:
    """How a block or command went.

    Attributes
    ----------
    place
        Document and line.
    kind
        "python", "yaml" or "shell".
    how
        "verbatim", "substituted", "refused" or "failed".
    note
        Why it is not verbatim.
    """

    place: Place
    kind: str
    how: str
    note: str = ""


# --- blocks ---------------------------------------------------------------------------------------


def run_blocks(blocks: Iterable[Block], folder: Path) -> list[Outcome]:
    """Run the Python and YAML blocks of one document, in one namespace and in `folder`."""
    module = ModuleType("seed_document")
    sys.modules[module.__name__] = module  # dataclasses look their module up
    try:
        with _inside(folder), _same_logging():
            return [
                _settle(block.place, block.language, block.text, partial(_run, block, vars(module)))
                for block in blocks
                if block.language in ("python", "yaml")
            ]
    finally:
        del sys.modules[module.__name__]


def _run(block: Block, names: dict[str, Any], text: str) -> None:
    document, line = block.place
    if block.language == "yaml":
        setup = Path("setups") / "ieee34_ieee13"  # where the document puts its configuration
        setup.mkdir(parents=True)
        (setup / "config.yml").write_text(text, encoding="utf-8")
        names["yaml"] = yaml.safe_load(text)
    else:
        if block.place in SCRIPTS:
            Path("script.py").write_text(text, encoding="utf-8")
            Path("printed.txt").write_text(_call([sys.executable, "script.py"], Path.cwd()).stdout)
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(text, f"{document}:{line}", "exec"), names)
    if block.place in CHECKS:
        CHECKS[block.place](names)


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextlib.contextmanager
def _same_logging() -> Iterator[None]:
    """Take back what a document sets up for its own program."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    try:
        yield
    finally:
        root.setLevel(level)
        root.handlers[:] = handlers


# --- commands -------------------------------------------------------------------------------------


def run_commands(commands: Iterable[Command], folder: Path) -> list[Outcome]:
    """Run commands one by one in a stand-in of the project's root; the same one only once."""
    _link_project(folder)
    failures: dict[str, str] = {}

    def run(text: str) -> None:
        if text not in failures:
            done = _call(["bash", "-c", text], folder, is_checked=False)
            if done.returncode != 0 and RAY_GAVE_UP in done.stderr:
                done = _call(["bash", "-c", text], folder, is_checked=False)
            is_silent = "Warning" not in done.stderr or "--num-workers 4" in text
            is_good = done.returncode == 0 and is_silent
            failures[text] = "" if is_good else done.stdout[-2000:] + done.stderr[-2000:]
        if failures[text]:
            raise RuntimeError(failures[text])

    return [_settle(command.place, "shell", command.text, run) for command in commands]


def _link_project(folder: Path) -> None:
    """Make a folder that looks like the project's root, and keeps what is written to itself."""
    for path in ROOT.iterdir():
        if path.name not in NOT_LINKED and not path.name.startswith("."):
            (folder / path.name).symlink_to(path)
    activate = folder / ".venv" / "bin" / "activate"
    activate.parent.mkdir(parents=True)
    activate.write_text(f'export PATH="{Path(sys.executable).parent}:$PATH"\n', encoding="utf-8")


def _call(
    command: list[str], folder: Path, *, is_checked: bool = True
) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "RAY_USAGE_STATS_ENABLED": "0",
        # Compiling Python itself in every process would take half of the time.
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": os.environ.get("PYTHONPYCACHEPREFIX", str(folder / ".byte-code")),
    }
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600
    )
    if is_checked and done.returncode != 0:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    return done


# --- outcomes -------------------------------------------------------------------------------------


def _settle(place: Place, kind: str, text: str, run: Callable[[str], None]) -> Outcome:
    """Run what stands at a place as the tables say, and tell how that went."""
    if place in REFUSED:
        return Outcome(place, kind, "refused", REFUSED[place])
    if place in NEEDS and find_spec(NEEDS[place]) is None:
        return Outcome(place, kind, "refused", f"{NEEDS[place]} is not installed")
    substitution = SUBSTITUTIONS.get(place)
    try:
        run(text if substitution is None else substitution.apply(text))
    except Exception:  # noqa: BLE001  # whatever it raises is what is to be told
        return Outcome(place, kind, "failed", traceback.format_exc(limit=-3))
    if substitution is not None:
        return Outcome(place, kind, "substituted", substitution.reason)
    return Outcome(place, kind, "verbatim")


def summary(outcomes: Iterable[Outcome]) -> str:
    """Return how many went which way, by document and kind, and why those that are not verbatim."""
    outcomes = list(outcomes)
    lines = []
    for document, kind in dict.fromkeys((o.place[0], o.kind) for o in outcomes):
        counts = Counter(o.how for o in outcomes if (o.place[0], o.kind) == (document, kind))
        told = ", ".join(f"{n} {how}" for how, n in counts.items())
        lines.append(f"{document}, {kind}: {told}")
    lines += [f"  {o.place[0]}:{o.place[1]} {o.how}: {o.note}" for o in outcomes if o.note]
    return "\n".join(lines)


def main() -> int:
    """Run everything and print the summary; return 1 if something failed."""
    source = find_folder()
    if source is None:
        print("no documents")  # noqa: T201
        return 1
    blocks = read_blocks(source)
    outcomes = []
    for document in dict.fromkeys(block.place[0] for block in blocks):
        own = [block for block in blocks if block.place[0] == document]
        with tempfile.TemporaryDirectory() as folder:
            outcomes += run_blocks(own, Path(folder))
        with tempfile.TemporaryDirectory() as folder:
            commands = [command for b in own if b.language == "bash" for command in b.commands]
            outcomes += run_commands(commands, Path(folder))
    print(summary(outcomes))  # noqa: T201
    return int(any(outcome.how == "failed" for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
