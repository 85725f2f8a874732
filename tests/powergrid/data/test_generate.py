"""Making the series again gives the series that are shipped."""

from __future__ import annotations

import json

import numpy as np
import pytest

from powergrid.data import load_dataset, shipped_dataset, shipped_manifest, shipped_minute_dataset
from powergrid.data.generate.areas import AREAS
from powergrid.data.generate.minute import keep_hour_means
from powergrid.data.generate.solar import clearness
from powergrid.data.generate.streams import stream
from powergrid.data.generate.weather import make_weather
from powergrid.data.generate.wind import wind_power
from powergrid.data.noise import red_noise


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    for library in ("pvlib", "demandlib", "windpowerlib", "typer"):
        pytest.importorskip(library)
    from powergrid.data.generate.__main__ import main

    folder = tmp_path_factory.mktemp("series")
    main(out=folder, seed=shipped_manifest()["made_by"]["seed"])
    return folder


@pytest.mark.parametrize(
    ("name", "shipped"),
    [("hourly.npz", shipped_dataset), ("minute.npz", shipped_minute_dataset)],
)
def test_the_shipped_series_are_made_again_from_their_seed(made, name, shipped):
    again, expected = load_dataset(made / name), shipped()
    for split, content in expected.items():
        for kind, by_area in content.items():
            # Another library version may round a last digit differently, nothing more.
            tolerance = 1.5 * 10.0 ** -shipped_manifest()["decimals"][kind]
            for area, rows in by_area.items():
                assert np.allclose(again[split][kind][area], rows, rtol=0.0, atol=tolerance)


def test_the_manifest_is_made_again_but_for_versions(made):
    again = json.loads((made / "manifest.json").read_text(encoding="utf-8"))
    expected = shipped_manifest()
    for manifest in (again, expected):
        manifest["made_by"].pop("libraries")
        for file in manifest["files"].values():
            file.pop("sha256")
            file.pop("bytes")
    assert again == expected


def test_another_seed_makes_other_weather():
    one, two, same = (make_weather(seed, AREAS[0]) for seed in (1, 2, 1))
    assert not np.array_equal(one.wind_speed_m_s, two.wind_speed_m_s)
    assert np.array_equal(one.wind_speed_m_s, same.wind_speed_m_s)
    assert np.array_equal(one.cloud_cover, same.cloud_cover)


def test_weather_has_the_climate_it_was_asked_for():
    for area in AREAS:
        weather = make_weather(7, area)
        assert weather.wind_speed_m_s.mean() == pytest.approx(area.wind_mean_m_s, rel=0.1)
        assert weather.temperature_c.mean() == pytest.approx(area.temperature_mean_c, abs=1.5)
        assert weather.cloud_cover.min() >= 0.0
        assert weather.cloud_cover.max() <= 1.0


def test_red_noise_has_its_variance_and_memory():
    noise = red_noise(stream(1, "test"), 200_000, 10.0)
    assert noise.mean() == pytest.approx(0.0, abs=0.05)
    assert noise.var() == pytest.approx(1.0, abs=0.05)
    assert np.mean(noise[10:] * noise[:-10]) == pytest.approx(np.exp(-1.0), abs=0.04)


def test_streams_depend_on_their_names_only():
    assert stream(1, "a", "b").random() == stream(1, "a", "b").random()
    assert stream(1, "a", "b").random() != stream(1, "b", "a").random()
    assert stream(1, "a").random() != stream(2, "a").random()


def test_cloud_takes_the_light_of_the_published_formula():
    # Kasten and Czeplak (1980): a closed sky leaves a quarter, half a sky 93 percent.
    assert clearness(np.array([0.0, 0.5, 1.0])) == pytest.approx([1.0, 0.929, 0.25], abs=5e-4)


def test_a_turbine_stands_still_in_calm_and_in_storm():
    pytest.importorskip("windpowerlib")
    power = wind_power(np.array([0.0, 1.0, 8.0, 14.0, 60.0]))
    assert power[0] == pytest.approx(0.0, abs=1e-6)
    assert power[1] < 0.02
    assert 0.2 < power[2] < 0.6
    assert power[3] > 0.9
    assert power[4] == 0.0


def test_hour_means_are_kept_within_limits():
    minutes = np.abs(np.sin(np.arange(180.0)))
    kept = keep_hour_means(minutes, np.array([0.2, 0.9, 0.0]), 0.0, 1.0)
    assert kept.reshape(3, 60).mean(axis=1) == pytest.approx([0.2, 0.9, 0.0], abs=1e-6)
    assert kept.max() <= 1.0


def test_an_hour_without_a_shape_is_flat():
    kept = keep_hour_means(np.zeros(60), np.array([0.3]), 0.0, 1.0)
    assert kept == pytest.approx(np.full(60, 0.3))
