"""Files of cached results: written whole or not at all, and believed only with their checksum.

Any number of processes may read and write at once. A file is written under another name in the same
folder and then renamed, so that nobody ever sees a part of one; of several writers the last stays,
and all wrote the same. Beyond `MAX_FILES` the files go that were not used for longest.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from powergrid.cache.encoding import decode, encode
from powergrid.cache.maker import Maker

__all__ = ["CacheFolder", "Lookup", "default_folder"]

MAGIC = b"heron cache 1 "  # followed by the checksum of what comes after the line
MAX_FILES = 256  # a sweep over configurations must not fill the disk: some 50 kB each
N_KEY = 32  # hexadecimal digits of a key in a file's name


def default_folder() -> Path | None:
    """Return the folder of the user's choice, else that of the platform; None without a home.

    The choice is the environment variable ``HERON_CACHE_DIR``, the platform's folder
    ``$XDG_CACHE_HOME/heron``, by default ``~/.cache/heron``.
    """
    chosen = os.environ.get("HERON_CACHE_DIR")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME", "")
    if Path(base).is_absolute():
        return Path(base) / "heron"
    try:
        return Path.home() / ".cache" / "heron"
    except RuntimeError:
        return None


@dataclass(frozen=True)
class Lookup:
    """What a look-up found, or why it found nothing."""

    value: Any
    reason: str  # "" if there is a value


class CacheFolder:
    """Results of one kind, by key.

    A result is found only if the present `Maker` made it of the very same ingredients: both are
    written beside it, and compared in full.

    Parameters
    ----------
    path : Path
        The folder; it need not exist.
    kind : str
        What the files' names begin with.
    maker : Maker
        What makes results now.
    classes : sequence of type
        The dataclasses of results; see `powergrid.cache.encoding.decode`.
    """

    def __init__(self, path: Path, kind: str, maker: Maker, classes: Sequence[type]) -> None:
        self.path = path
        self.kind = kind
        self._maker = maker
        self._classes = classes

    def file(self, ingredients: str) -> Path:
        """Return where the result of some ingredients is, or would be."""
        maker = self._maker
        versions = f"heron{maker.heron}-pandapower{maker.pandapower}"
        return self.path / f"{self._stem(ingredients)}-{versions}.cache"

    def read(self, ingredients: str) -> Lookup:
        """Look for the result of some ingredients."""
        file = self.file(ingredients)
        try:
            content = file.read_bytes()
        except OSError:
            return Lookup(None, self._why_missing(ingredients))
        head, _, body = content.partition(b"\n")
        if head != MAGIC + _digest(body):
            return Lookup(None, "the cached one is damaged")
        try:
            found = decode(body, self._classes)
            maker, of = found["maker"], found["ingredients"]
            value = found["value"]
        except (ValueError, KeyError, TypeError, zipfile.BadZipFile):
            return Lookup(None, "the cached one is damaged")
        if maker != asdict(self._maker):
            return Lookup(None, "heron has changed since the cached one")
        if of != ingredients:
            return Lookup(None, "the cached one is of something else")
        with contextlib.suppress(OSError):  # readers of a folder of others may not
            os.utime(file)
        return Lookup(value, "")

    def write(self, ingredients: str, value: Any) -> None:
        """Keep a result.

        Raises
        ------
        OSError
            If the folder cannot be made or written to.
        """
        body = encode({"maker": asdict(self._maker), "ingredients": ingredients, "value": value})
        self.path.mkdir(parents=True, exist_ok=True)
        part = self.path / f".{uuid.uuid4().hex}.part"
        try:
            part.write_bytes(MAGIC + _digest(body) + b"\n" + body)
            part.replace(self.file(ingredients))
        finally:
            part.unlink(missing_ok=True)
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        used: list[tuple[int, Path]] = []
        for file in self.path.glob(f"{self.kind}-*"):
            with contextlib.suppress(OSError):  # another process may be doing the same
                used.append((file.stat().st_mtime_ns, file))
        for _, file in sorted(used)[:-MAX_FILES]:
            file.unlink(missing_ok=True)

    def _stem(self, ingredients: str) -> str:
        return f"{self.kind}-{hashlib.sha256(ingredients.encode()).hexdigest()[:N_KEY]}"

    def _why_missing(self, ingredients: str) -> str:
        others = {file.name for file in self.path.glob(f"{self.kind}-*")}
        others.discard(self.file(ingredients).name)  # another process may have written it just now
        if any(name.startswith(self._stem(ingredients)) for name in others):
            return "the cached one is of another version of heron or pandapower"
        if others:
            return "the configuration is new or has changed"
        return "there is no cache yet"


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
