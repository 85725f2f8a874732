"""Command line: ``python -m powergrid.data.generate --seed 2024 --out DIR``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from powergrid.data.generate.areas import AREAS
from powergrid.data.generate.files import write_series
from powergrid.data.generate.minute import make_minutes
from powergrid.data.generate.series import make_hourly


def main(
    out: Annotated[Path, typer.Option(help="Folder for the series and their manifest.")],
    seed: Annotated[int, typer.Option(min=0, help="The one source of chance.")] = 2024,
) -> None:
    """Make hourly series of two years, and a week at one minute of each, with a manifest."""
    hourly = make_hourly(seed)
    write_series(out, seed, AREAS, hourly.dataset(), make_minutes(seed, hourly))
    typer.echo(f"wrote series of {len(AREAS)} areas to {out}")


if __name__ == "__main__":
    typer.run(main)
