"""Write a project to start from: a folder of templates with names filled in."""

from __future__ import annotations

import keyword
import re
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from string import Template

from heron import __version__
from heron.errors import ConfigError, nearest

__all__ = ["domains", "new_project"]

TEMPLATES = Path(__file__).parent / "templates"
SUFFIX = ".template"  # so that nobody takes a template for a module
PACKAGE = "package"  # the folder that gets the project's name


def domains() -> list[str]:
    """Return the names of the project templates, sorted."""
    return sorted(path.name for path in TEMPLATES.iterdir() if path.is_dir())


def new_project(name: str, domain: str, directory: Path) -> Path:
    """Write a small project that runs; its README says what is where.

    Parameters
    ----------
    name : str
        Of the project, its folder and its package: lowercase letters, digits and underscores.
    domain : str
        Which template; see `domains`.
    directory : Path
        An existing folder, in which the project's is made.

    Returns
    -------
    Path
        The project's folder.

    Raises
    ------
    ConfigError
        If the name cannot be a package's or is taken, the domain is unknown, or the folder exists.
        Nothing is written then.
    """
    if domain not in domains():
        raise ConfigError(nearest(domain, domains(), kind="domain"))
    _check_spelling(name)
    if not directory.is_dir():
        raise ConfigError(f"{directory} is no folder: make it first, or give another --directory")
    project = directory / name
    if project.exists() or project.is_symlink():
        raise ConfigError(f"{project} exists already: choose another name, or move it away")
    _check_free(name)
    names = {
        "name": name,
        "title": name.replace("_", " ").capitalize(),
        "class_name": "".join(part.capitalize() for part in name.split("_")),
        "version": __version__,
    }
    # Beside its place, so that the last step is one rename: the project is whole or not there.
    with tempfile.TemporaryDirectory(dir=directory, prefix=f".{name}-") as scratch:
        made = Path(scratch) / name
        for template in sorted(path for path in (TEMPLATES / domain).rglob("*") if path.is_file()):
            _write(template, TEMPLATES / domain, made, names)
        made.rename(project)
    return project


def _write(template: Path, root: Path, project: Path, names: dict[str, str]) -> None:
    if template.suffix != SUFFIX:  # such as a compiled module that somebody left there
        return
    parts = template.relative_to(root).with_suffix("").parts
    path = project.joinpath(*(names["name"] if part == PACKAGE else part for part in parts))
    path.parent.mkdir(parents=True, exist_ok=True)
    text = Template(template.read_text(encoding="utf-8")).substitute(names)
    path.write_text(text, encoding="utf-8")


def _check_spelling(name: str) -> None:
    if re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) and not keyword.iskeyword(name):
        return
    proposal = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    hint = f", such as {proposal!r}" if proposal != name and proposal[:1].isalpha() else ""
    raise ConfigError(
        f"{name!r} cannot be the name of a package: expected lowercase letters, digits and single "
        f"underscores, beginning with a letter, and no Python keyword{hint}"
    )


def _check_free(name: str) -> None:
    """Raise ConfigError if a project of that name would hide a module, or be hidden by one."""
    if name in sys.stdlib_module_names or find_spec(name) is not None:
        raise ConfigError(f"there is a Python module called {name!r} already: choose another name")
