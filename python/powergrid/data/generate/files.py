"""Writing series and their manifest."""

from __future__ import annotations

import datetime
import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from powergrid.data.dataset import UNITS, Dataset
from powergrid.data.generate import clock
from powergrid.data.generate.areas import Area
from powergrid.data.generate.series import DECIMALS
from powergrid.data.shipped import HOURLY_FILE, MANIFEST_FILE, MINUTE_FILE

#: Raised when the same seed would give other numbers.
GENERATOR_VERSION = 1
LIBRARIES = ("numpy", "scipy", "pandas", "pvlib", "demandlib", "windpowerlib")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def write_series(
    folder: Path, seed: int, areas: tuple[Area, ...], hourly: Dataset, minute: Dataset
) -> None:
    """Write both NPZ files and ``manifest.json`` into a folder, which is made if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    starts = {split: datetime.date(year, 1, 1) for split, year in clock.YEAR_OF_SPLIT.items()}
    weeks = {
        split: start + datetime.timedelta(days=clock.MINUTE_WEEK_DAY[split])
        for split, start in starts.items()
    }
    files = {
        HOURLY_FILE: _write(folder / HOURLY_FILE, hourly, 3600.0, starts),
        MINUTE_FILE: _write(folder / MINUTE_FILE, minute, 60.0, weeks),
    }
    manifest = {
        "title": "Synthetic load, solar, wind and price series for distribution grids",
        "licence": "MIT, as the package; no measured or third-party series is contained",
        "files": files,
        "units": UNITS,
        "decimals": DECIMALS,
        "time_zone": f"UTC{clock.UTC_OFFSET_H:+03d}:00 all year, no daylight saving time",
        "rows": "a row is the mean over the time from its start to the start of the next row; "
        "row 0 starts at local midnight",
        "names": "NPZ keys are split/kind/area, float32",
        "areas": {
            area.name: {"place": area.place, "latitude": area.latitude, "longitude": area.longitude}
            for area in areas
        },
        "made_by": {
            "command": f"python -m powergrid.data.generate --seed {seed} --out DIR",
            "seed": seed,
            "generator_version": GENERATOR_VERSION,
            "libraries": {name: version(name) for name in LIBRARIES},
        },
        "how": {
            "load": "BDEW standard profiles H25 and G25 (demandlib) mixed by area, made seasonal "
            "by heating and cooling, with red noise; 1.0 is the area's highest load",
            "solar": "clear sky, seeded cloud cover, plane-of-array irradiance, cell temperature "
            "and inverter (pvlib)",
            "wind": "seeded Weibull wind speed with fronts, season and time of day, through a "
            "smoothed turbine power curve (windpowerlib)",
            "price": "cost of the marginal unit at the region's load less its sun and wind, with "
            "fuel price, outages, congestion, spikes and dips; at least 1 $/MWh",
        },
    }
    text = json.dumps(manifest, indent=2) + "\n"
    (folder / MANIFEST_FILE).write_text(text, encoding="utf-8")


def _write(
    path: Path, dataset: Dataset, row_s: float, starts: dict[str, datetime.date]
) -> dict[str, Any]:
    """Write one NPZ file and return what the manifest says of it."""
    flat: dict[str, Any] = {
        f"{split}/{kind}/{area}": rows.astype(np.float32)
        for split, content in dataset.items()
        for kind, series in content.items()
        if isinstance(series, dict)
        for area, rows in series.items()
    }
    np.savez_compressed(path, **flat)
    content = path.read_bytes()
    n_row = {
        split: next(rows.size for name, rows in flat.items() if name.startswith(f"{split}/"))
        for split in dataset
    }
    return {
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "row_s": row_s,
        "splits": {
            split: {
                "first_row": f"{starts[split].isoformat()}T00:00:00{clock.UTC_OFFSET_H:+03d}:00",
                "weekday": WEEKDAYS[starts[split].weekday()],
                "n_row": n_row[split],
            }
            for split in dataset
        },
    }
