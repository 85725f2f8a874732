"""The installed distribution is enough to embed the core in C and C++ programs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from heron import __main__ as command
from heron import __version__

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "cpp" / "examples"
# The tools of the environment come before those of the machine.
SEARCH_PATH = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
CHECKED_LINES = ("events ", "sent ", "delivered ", "error [K] ")


def run(*words: str | Path, **environment: str) -> str:
    """Run a program, and return what it prints; its error output fails the test."""
    done = subprocess.run(
        [str(word) for word in words],
        env={**os.environ, "PATH": SEARCH_PATH, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{words[0]} failed:\n{done.stdout}{done.stderr}"
    return done.stdout


def ask(option: str) -> str:
    return run(sys.executable, "-m", "heron", option).strip()


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """Copy the examples to where nothing of this tree can be found by accident."""
    return Path(shutil.copytree(EXAMPLES, tmp_path / "examples"))


def test_a_cmake_project_finds_the_package_and_both_languages_print_the_same(
    examples: Path, tmp_path: Path
) -> None:
    build = tmp_path / "build"
    run("cmake", "-G", "Ninja", "-S", examples, "-B", build, f"-Dheron_DIR={ask('--cmake-dir')}")
    run("cmake", "--build", build)
    printed = run(build / "fleet_cpp")
    assert run(build / "fleet_c") == printed
    for line in CHECKED_LINES:
        assert line in printed
    assert "lanes have a solution" in run(build / "feeder")


def test_the_package_for_programs_has_no_copy_of_the_python_modules() -> None:
    assert not list(Path(ask("--include-dir")).parent.rglob("_core*"))


def test_the_code_of_the_page_builds_and_runs(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
    for language, name in (("cmake", "CMakeLists.txt"), ("cpp", "main.cpp"), ("c", "main.c")):
        (block,) = re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
        (tmp_path / name).write_text(block, encoding="utf-8")
    printed = []
    for language in ("CXX", "C"):
        project = tmp_path / "CMakeLists.txt"
        text = project.read_text(encoding="utf-8")
        if language == "C":
            text = text.replace("LANGUAGES CXX", "LANGUAGES C").replace("main.cpp", "main.c")
        project.write_text(text, encoding="utf-8")
        build = tmp_path / language
        package = f"-Dheron_DIR={ask('--cmake-dir')}"
        run("cmake", "-G", "Ninja", "-S", tmp_path, "-B", build, package)
        run("cmake", "--build", build)
        printed.append(run(build / "my_program"))
    assert printed[0] == printed[1]
    assert printed[0].startswith("agent 0 at 0.0 s\n")
    assert len(printed[0].splitlines()) >= 10


def test_a_c_program_builds_with_the_flags_of_pkg_config(examples: Path, tmp_path: Path) -> None:
    if shutil.which("pkg-config", path=SEARCH_PATH) is None:
        pytest.skip("pkg-config is not installed")
    directory = ask("--pkgconfig-dir")
    flags = run("pkg-config", "--cflags", "--libs", "heron", PKG_CONFIG_PATH=directory).split()
    program = tmp_path / "fleet_c"
    run("cc", "-std=c11", "-ffp-contract=off", examples / "fleet.c", *flags, "-o", program)
    assert "delivered " in run(program)


def test_the_include_directory_holds_the_headers_of_both_languages() -> None:
    include = Path(ask("--include-dir"))
    assert (include / "heron.h").is_file()
    assert (include / "heron" / "tick_scheduler.hpp").is_file()


def test_the_package_in_every_form_has_the_version_of_the_distribution() -> None:
    assert ask("--version") == __version__
    cmake = Path(ask("--cmake-dir"), "heron-config-version.cmake").read_text(encoding="utf-8")
    assert f'set(PACKAGE_VERSION "{__version__}")' in cmake
    pkg_config = Path(ask("--pkgconfig-dir"), "heron.pc").read_text(encoding="utf-8")
    assert f"Version: {__version__}\n" in pkg_config
    header = Path(ask("--include-dir"), "heron.h").read_text(encoding="utf-8")
    assert f'#define HERON_VERSION "{__version__}"' in header


def test_an_installation_without_the_package_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(command._DIRECTORIES, "cmake", ("lib/cmake/heron", "absent.cmake"))
    assert command.main(["--cmake-dir"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "absent.cmake is missing" in captured.err
    assert "pip install" in captured.err
