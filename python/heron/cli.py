"""Commands of ``python -m heron`` that write something."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from heron.errors import ConfigError
from heron.new_project import new_project

__all__ = ["run"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def _commands() -> None:
    """Start something new."""


@app.command("new-project")
def _new_project(
    name: Annotated[str, typer.Argument(help="Of the project and its package, such as my_study.")],
    domain: Annotated[str, typer.Option(help="Which template.")] = "powergrid",
    directory: Annotated[Path, typer.Option(help="In which folder it is made.")] = Path(),
) -> None:
    """Write a small project that runs: package, example, test, README."""
    try:
        project = new_project(name, domain, directory)
    except ConfigError as error:
        typer.echo(f"python -m heron new-project: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"wrote {project}; next: cd {project} && pip install -e . && python -m pytest")


def run(arguments: list[str]) -> int:
    """Run a command line without the program's name; return its exit status."""
    try:
        app(arguments, prog_name="python -m heron")
    except SystemExit as end:
        return int(end.code or 0)
    return 0
