"""The shipped series: what the manifest says is so, and there is something to plan for."""

from __future__ import annotations

import datetime
import subprocess
import sys

import numpy as np
import pytest

from powergrid.data import (
    KINDS,
    Profiles,
    shipped_dataset,
    shipped_manifest,
    shipped_minute_dataset,
)
from powergrid.data import shipped as shipped_module


@pytest.fixture(scope="module")
def hourly():
    return shipped_dataset()


@pytest.fixture(scope="module")
def minute():
    return shipped_minute_dataset()


def days(hourly, kind, area="BANC"):
    """Both years of a kind as (day, hour)."""
    rows = np.concatenate([hourly[split][kind][area] for split in ("train", "test")])
    return rows.reshape(-1, 24)


def test_the_shape_is_what_the_manifest_says(hourly, minute):
    manifest = shipped_manifest()
    for name, data in (("hourly.npz", hourly), ("minute.npz", minute)):
        for split, expected in manifest["files"][name]["splits"].items():
            for kind in KINDS:
                assert list(data[split][kind]) == list(manifest["areas"])
                for rows in data[split][kind].values():
                    assert rows.shape == (expected["n_row"],)


def test_the_weekdays_of_the_manifest_are_those_of_its_dates():
    for file in shipped_manifest()["files"].values():
        for split in file["splits"].values():
            first = datetime.datetime.fromisoformat(split["first_row"])
            assert first.strftime("%A") == split["weekday"]
            assert (first.hour, first.utcoffset()) == (0, datetime.timedelta(hours=-8))


def test_the_splits_do_not_overlap():
    for file in shipped_manifest()["files"].values():
        train, test = (file["splits"][split] for split in ("train", "test"))
        end = datetime.datetime.fromisoformat(train["first_row"]) + datetime.timedelta(
            seconds=train["n_row"] * file["row_s"]
        )
        assert end <= datetime.datetime.fromisoformat(test["first_row"])


def test_the_splits_are_not_copies(hourly):
    for kind in KINDS:
        train, test = (hourly[split][kind]["BANC"] for split in ("train", "test"))
        assert not np.array_equal(train, test)
        assert np.corrcoef(train, test)[0, 1] < 0.97


def test_all_files_together_stay_below_a_megabyte():
    assert sum(file["bytes"] for file in shipped_manifest()["files"].values()) < 1e6


@pytest.mark.parametrize(
    ("kind", "lowest", "highest"),
    [("load", 0.25, 1.0), ("solar", 0.0, 1.0), ("wind", 0.0, 1.0), ("price", 1.0, 1000.0)],
)
def test_values_lie_in_their_range(hourly, minute, kind, lowest, highest):
    for data in (hourly, minute):
        for split in ("train", "test"):
            for rows in data[split][kind].values():
                assert lowest <= rows.min()
                assert rows.max() <= highest


def test_a_changed_file_is_noticed(tmp_path, monkeypatch):
    for path in shipped_module._folder().iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    content = bytearray((tmp_path / "hourly.npz").read_bytes())
    content[1000] ^= 1
    (tmp_path / "hourly.npz").write_bytes(content)
    monkeypatch.setattr(shipped_module, "_folder", lambda: tmp_path)
    with pytest.raises(OSError, match="checksum"):
        shipped_module.shipped_dataset()


def test_minutes_average_to_the_hourly_rows(hourly, minute):
    files, decimals = (shipped_manifest()[key] for key in ("files", "decimals"))
    for split in ("train", "test"):
        offset = datetime.datetime.fromisoformat(
            files["minute.npz"]["splits"][split]["first_row"]
        ) - datetime.datetime.fromisoformat(files["hourly.npz"]["splits"][split]["first_row"])
        first = round(offset.total_seconds() / 3600)
        for kind in KINDS:
            for area, rows in minute[split][kind].items():
                means = rows.reshape(-1, 60).mean(axis=1)
                wanted = hourly[split][kind][area][first : first + means.size]
                assert np.abs(means - wanted).max() < 1.1 * 10.0 ** -decimals[kind], (
                    split,
                    kind,
                    area,
                )


def test_minutes_move_within_the_hour(minute):
    for split in ("train", "test"):
        for kind in KINDS:
            moves = [
                rows.reshape(-1, 60).std(axis=1).max() for rows in minute[split][kind].values()
            ]
            assert min(moves) > 0.0


def test_the_sun_is_down_at_night_and_up_at_noon(hourly):
    for area in ("BANC", "NEVP", "AZPS", "PACW"):
        sun = days(hourly, "solar", area)
        assert sun[:, [0, 1, 2, 3, 22, 23]].max() == 0.0
        assert sun.mean(axis=0).argmax() in (11, 12)
        assert 0.15 < sun.mean() < 0.30


def test_areas_differ_but_share_the_weather(hourly):
    for kind in KINDS:
        first, second = (days(hourly, kind, area).ravel() for area in ("BANC", "PACW"))
        assert 0.1 < np.corrcoef(first, second)[0, 1] < 0.97


def test_weekends_need_less_than_workdays(hourly):
    load = hourly["train"]["load"]["BANC"].reshape(-1, 24).mean(axis=1)
    saturdays, sundays, tuesdays = load[0::7], load[1::7], load[3::7]
    assert tuesdays.mean() > 1.05 * saturdays.mean()
    assert tuesdays.mean() > 1.05 * sundays.mean()


def test_prices_have_a_usual_level_and_spread(hourly):
    for area in ("BANC", "NEVP", "AZPS", "PACW"):
        price = days(hourly, "price", area)
        spread = price.max(axis=1) - price.min(axis=1)
        assert 48.0 < price.mean() < 62.0
        assert 60.0 < np.median(spread) < 95.0
        assert np.mean((spread > 40.0) & (spread < 120.0)) > 0.6


def test_days_differ_in_the_shape_of_their_prices(hourly):
    price = days(hourly, "price")
    spread = price.max(axis=1) - price.min(axis=1)
    cheapest, dearest = price.argmin(axis=1), price.argmax(axis=1)
    assert np.mean((cheapest >= 10) & (cheapest <= 15)) > 0.25  # sun
    assert np.mean((cheapest <= 5) | (cheapest >= 22)) > 0.25  # night
    assert np.mean(spread < 40.0) > 0.08  # calm
    assert np.mean((dearest < 16) | (dearest > 20)) > 0.20  # not always the evening


STEP_MWH, EFFICIENCY = 0.2, 0.95  # a battery of 0.4 MWh and 0.2 MW


def cash(price, move_mwh):
    """Money earned by storing (positive) or giving back (negative) an amount of energy."""
    return -price * (move_mwh / EFFICIENCY if move_mwh > 0.0 else move_mwh * EFFICIENCY)


def trade(price, want):
    """Profit of the battery when it follows wishes (1 charge, -1 discharge) as far as it can."""
    stored, profit = STEP_MWH, 0.0
    for now, wish in zip(price, want, strict=True):
        move = np.clip(wish * STEP_MWH, -stored, 2 * STEP_MWH - stored)
        profit += cash(now, move)
        stored += move
    return profit


def first_moves(window):
    """First step of the best plan over a window, from each of three stored levels."""
    value = np.arange(3) * STEP_MWH * EFFICIENCY * window.mean()
    for now in window[::-1]:
        moved = np.full((3, 3), -np.inf)
        for level in range(3):
            for target in range(max(level - 1, 0), min(level + 1, 2) + 1):
                moved[level, target] = cash(now, STEP_MWH * (target - level)) + value[target]
        value = moved.max(axis=1)
    return moved.argmax(axis=1) - np.arange(3)


def test_planning_on_a_day_of_prices_earns_more_than_a_clock_or_a_threshold(hourly):
    # The rules are fitted to the training year; four days of each month of the test year count.
    train, test = (hourly[split]["price"]["BANC"] for split in ("train", "test"))
    order = train.reshape(-1, 24).mean(axis=0).argsort()
    by_hour = np.zeros(24)
    by_hour[order[:4]], by_hour[order[-4:]] = 1.0, -1.0
    low, high = np.quantile(train, [0.3, 0.7])
    planned, clock, threshold = 0.0, 0.0, 0.0
    for start in range(0, 8640, 24 * 30):
        hours = np.arange(start, start + 24 * 4)
        price = test[hours]
        clock += trade(price, by_hour[hours % 24])
        threshold += trade(price, np.where(price < low, 1.0, np.where(price > high, -1.0, 0.0)))
        level, plan = 1, []
        for hour in hours:
            plan.append(first_moves(test[hour : hour + 24])[level])
            level += plan[-1]
        planned += trade(price, plan)
    assert clock > 0.0
    assert threshold > 0.0
    assert planned > 1.5 * max(clock, threshold)


def test_profiles_read_the_shipped_series(hourly, minute):
    profiles = Profiles(hourly, "test")
    day = profiles.window("price", "BANC", 86400.0 * 100, 24, 3600.0)
    assert np.array_equal(day, hourly["test"]["price"]["BANC"][2400:2424])
    fine = Profiles(minute, "train", row_s=60.0)
    assert fine.duration_s == 7 * 86400.0


def test_reading_data_loads_no_heavy_library():
    program = (
        "import sys\n"
        "from powergrid.data import Profiles, minute_variability, shipped_dataset\n"
        "Profiles(shipped_dataset(), 'train').window('load', 'BANC', 0.0, 24, 3600.0)\n"
        "minute_variability('wind', 60, 60.0, 1)\n"
        "heavy = {'pandas', 'scipy', 'pvlib', 'demandlib', 'windpowerlib', 'pandapower', 'typer'}\n"
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
