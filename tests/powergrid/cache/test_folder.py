"""Cached files are found whole, of the same making, or not at all."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from powergrid.cache import folder as folder_module
from powergrid.cache.folder import CacheFolder, default_folder
from powergrid.cache.maker import Maker, present_maker, source_hash

MAKER = Maker(heron="0.1", pandapower="3.5", source="abc")


def folder_at(path: Path, maker: Maker = MAKER) -> CacheFolder:
    return CacheFolder(path, "network", maker, ())


@pytest.fixture
def folder(tmp_path: Path) -> CacheFolder:
    """Return a folder, not made yet."""
    return folder_at(tmp_path / "deep" / "cache")


def test_what_was_written_is_found(folder: CacheFolder) -> None:
    folder.write("three feeders", {"x": np.arange(3.0)})
    found = folder.read("three feeders")
    assert found.value["x"].tolist() == [0.0, 1.0, 2.0]
    assert found.reason == ""
    assert [path.name for path in folder.path.iterdir()] == [folder.file("three feeders").name]


def test_the_reason_says_what_is_missing(folder: CacheFolder) -> None:
    assert folder.read("a").reason == "there is no cache yet"
    folder.write("a", 1)
    assert folder.read("b").reason == "the configuration is new or has changed"
    newer = folder_at(folder.path, dataclasses.replace(MAKER, pandapower="3.6"))
    assert newer.read("a").reason == "the cached one is of another version of heron or pandapower"
    edited = folder_at(folder.path, dataclasses.replace(MAKER, source="abd"))
    assert edited.read("a").reason == "heron has changed since the cached one"
    assert edited.read("a").value is None


def test_versions_keep_their_own_files_and_edits_of_one_version_share_one(
    folder: CacheFolder,
) -> None:
    for maker in (
        MAKER,
        dataclasses.replace(MAKER, source="abd"),
        dataclasses.replace(MAKER, heron="0.2"),
    ):
        folder_at(folder.path, maker).write("a", maker.source)
    assert len(list(folder.path.iterdir())) == 2
    assert folder.read("a").value is None  # the edit's, which replaced it


def test_no_flipped_bit_is_believed(folder: CacheFolder) -> None:
    folder.write("a", np.arange(4.0))
    file = folder.file("a")
    whole = file.read_bytes()
    for position in range(len(whole)):
        bad = bytearray(whole)
        bad[position] ^= 1 << position % 8
        file.write_bytes(bad)
        found = folder.read("a")
        assert found.value is None, position
        assert found.reason == "the cached one is damaged"


def test_no_part_is_believed(folder: CacheFolder) -> None:
    folder.write("a", np.arange(4.0))
    file = folder.file("a")
    whole = file.read_bytes()
    for length in (*range(0, len(whole), 7), len(whole) - 1):
        file.write_bytes(whole[:length])
        assert folder.read("a").reason == "the cached one is damaged"
    file.write_bytes(whole + b"\0")
    assert folder.read("a").reason == "the cached one is damaged"


def test_a_file_of_another_name_is_not_believed(folder: CacheFolder) -> None:
    folder.write("a", 1)
    folder.file("a").rename(folder.file("b"))
    assert folder.read("b").reason == "the cached one is of something else"


def test_a_failed_write_leaves_nothing(folder: CacheFolder) -> None:
    folder.file("a").mkdir(parents=True)  # a file cannot take the place of a folder
    with pytest.raises(OSError, match="directory"):
        folder.write("a", 1)
    assert [path.name for path in folder.path.iterdir()] == [folder.file("a").name]


def test_what_was_not_used_for_longest_makes_room(
    folder: CacheFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_module, "MAX_FILES", 3)
    for age, name in enumerate("dcba"):
        folder.write(name, name)
        os.utime(folder.file(name), ns=(age, age))
        if name == "b":
            assert folder.read("d").value == "d"  # used again
    assert {name for name in "abcd" if folder.read(name).value} == {"a", "b", "d"}


WORKER = """
import sys
from pathlib import Path
import numpy as np
from powergrid.cache.folder import CacheFolder
from powergrid.cache.maker import Maker

folder = CacheFolder(Path(sys.argv[1]), "network", Maker("0.1", "3.5", "abc"), ())
n_found = 0
for k in range(60):
    found = folder.read("a")
    if found.value is not None:
        n_found += 1
        assert (found.value == found.value[0]).all()
    else:
        assert found.reason == "there is no cache yet", found.reason
    folder.write("a", np.full(20_000, float(k)))
assert n_found >= 59
"""


def test_processes_that_read_and_write_at_once_see_whole_files(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WORKER, str(tmp_path)]
    with ExitStack() as stack:
        workers = [
            stack.enter_context(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
            for _ in range(8)
        ]
        said = [worker.communicate(timeout=120)[1] for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 8, said
    assert len(list(tmp_path.iterdir())) == 1


def test_the_users_choice_of_a_folder_comes_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HERON_CACHE_DIR", str(tmp_path / "mine"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert default_folder() == tmp_path / "mine"
    monkeypatch.delenv("HERON_CACHE_DIR")
    assert default_folder() == tmp_path / "xdg" / "heron"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # to be ignored, says its specification
    assert default_folder() == tmp_path / "home" / ".cache" / "heron"


def test_a_changed_line_is_another_maker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "feeders_of_mine"
    (package / "facts").mkdir(parents=True)
    for name in ("__init__.py", "feeder.py", "facts/loads.json"):
        (package / name).write_text("1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    seen = {source_hash([package.name])}
    for name in ("feeder.py", "facts/loads.json"):
        (package / name).write_text("2\n", encoding="utf-8")
        seen.add(source_hash([package.name]))
    (package / "regulator.py").touch()
    seen.add(source_hash([package.name]))
    assert len(seen) == 4
    assert source_hash([package.name]) in seen


def test_the_maker_knows_the_versions_and_every_source() -> None:
    maker = present_maker()
    assert maker.heron
    assert maker.pandapower.startswith("3.")
    assert len(maker.source) == 64
