"""Say where the C and C++ core of this installation is: ``python -m heron --cmake-dir``.

``python -m heron new-project NAME`` writes a project to start from.
"""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

from heron import __version__

# Where the installed C++ package has each kind of file, and a file that must be there.
_DIRECTORIES = {
    "cmake": ("lib/cmake/heron", "heron-config.cmake"),
    "include": ("include", "heron.h"),
    "pkgconfig": ("lib/pkgconfig", "heron.pc"),
}


def native_directory(kind: str) -> Path:
    """Return the directory of the installed C++ package that holds one kind of file.

    Parameters
    ----------
    kind
        "cmake" (for find_package), "include" (headers) or "pkgconfig" (heron.pc).

    Raises
    ------
    FileNotFoundError
        If this installation was made without them.
    """
    directory, sentinel = _DIRECTORIES[kind]
    # The build puts the compiled module and the C++ package side by side, also when the Python
    # files of an editable install stay elsewhere.
    core = find_spec("heron._core")
    if core is None or core.origin is None:
        raise FileNotFoundError("heron._core is not installed: build it with `pip install .`")
    path = Path(core.origin).parent / "native" / directory
    if not (path / sentinel).is_file():
        raise FileNotFoundError(
            f"{path / sentinel} is missing: this installation has no C++ package; "
            "install heron from its wheel, or with `pip install .` from its sources"
        )
    return path


def main(arguments: list[str] | None = None) -> int:
    """Print one directory, for a build system to read, or run a command.

    Parameters
    ----------
    arguments
        Command line without the program's name; that of the process if not given.

    Returns
    -------
    int
        Exit status: 0, or 1 if the files are missing or the command failed.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["new-project"]:
        return _run_command(arguments)
    parser = argparse.ArgumentParser(
        prog="python -m heron",
        description="Say where the C and C++ core of this installation is.",
        epilog="python -m heron new-project --help: write a project to start from.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument(
        "--cmake-dir",
        dest="kind",
        action="store_const",
        const="cmake",
        help="directory of heron-config.cmake, to pass as -Dheron_DIR=",
    )
    choice.add_argument(
        "--include-dir",
        dest="kind",
        action="store_const",
        const="include",
        help="directory of heron.h and of heron/*.hpp",
    )
    choice.add_argument(
        "--pkgconfig-dir",
        dest="kind",
        action="store_const",
        const="pkgconfig",
        help="directory of heron.pc, to put into PKG_CONFIG_PATH",
    )
    try:
        path = native_directory(parser.parse_args(arguments).kind)
    except FileNotFoundError as error:
        sys.stderr.write(f"python -m heron: {error}\n")
        return 1
    sys.stdout.write(f"{path}\n")
    return 0


def _run_command(arguments: list[str]) -> int:
    try:
        from heron.cli import run  # typer is an extra
    except ModuleNotFoundError as error:
        if error.name != "typer":
            raise
        sys.stderr.write(
            "python -m heron: new-project needs typer: pip install 'heron[cli]', or pip install "
            "typer\n"
        )
        return 1
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
