"""The documents that users of HERON start from, taken apart into blocks and shell commands."""

from __future__ import annotations

import os
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Block", "Command", "Place", "find_folder", "read_blocks"]

ROOT = Path(__file__).parents[2]
DEFAULT_FOLDER = ROOT.parent / "shared" / "seeds"
FENCE = re.compile(r" *```(\w*) *")

# Where something stands: the name of the document, and the line, counted from 1.
Place = tuple[str, int]


@dataclass(frozen=True)
class Command:
    """One line of a shell block."""

    place: Place
    text: str


@dataclass(frozen=True)
class Block:
    """What stands between two fences.

    Attributes
    ----------
    place
        Document and line of the opening fence.
    language
        What the fence says, "" if it says nothing.
    text
        The lines, without the indentation that they share.
    """

    place: Place
    language: str
    text: str

    @property
    def commands(self) -> list[Command]:
        """The commands of a shell block; lines of comment are none."""
        document, line = self.place
        return [
            Command((document, number), text.strip())
            for number, text in enumerate(self.text.splitlines(), start=line + 1)
            if text.strip() and not text.strip().startswith("#")
        ]


def find_folder() -> Path | None:
    """Return the folder with the documents: HERON_SPEC_DIR, or that beside the checkout."""
    for folder in (os.environ.get("HERON_SPEC_DIR"), DEFAULT_FOLDER):
        if folder is not None and any(Path(folder).glob("*.txt")):
            return Path(folder)
    return None


def read_blocks(folder: Path) -> list[Block]:
    """Return every block of every document, in order."""
    return [block for path in sorted(folder.glob("*.txt")) for block in blocks_of(path)]


def blocks_of(path: Path) -> list[Block]:
    """Return the blocks of a document."""
    blocks: list[Block] = []
    opened: tuple[int, str] | None = None
    lines: list[str] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        fence = FENCE.fullmatch(line)
        if fence is None:
            lines.append(line)
        elif opened is None:
            opened, lines = (number, fence[1]), []
        else:
            text = textwrap.dedent("\n".join(lines)) + "\n"
            blocks.append(Block((path.name, opened[0]), opened[1], text))
            opened = None
    if opened is not None:
        raise ValueError(f"{path.name}: the block of line {opened[0]} has no end")
    return blocks
