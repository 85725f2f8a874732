"""Dataset files and tables."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

from heron.errors import ConfigError
from powergrid.data import dataset_from_frame, load_dataset
from powergrid.data.restricted_pickle import RefusedPickleError

HOURS = np.arange(24)
CONTENT = {
    "train": {"load": {"A": 0.5 + HOURS / 100, "B": 0.4 + HOURS / 100}, "price": 30.0 + HOURS},
    "test": {"load": {"A": 0.6 + HOURS / 100, "B": 0.3 + HOURS / 100}, "price": 50.0 - HOURS},
}


def as_frame():
    parts = [
        pd.DataFrame(
            {
                "split": split,
                "time": pd.date_range("2022-01-01", periods=24, freq="h"),
                "load/A": CONTENT[split]["load"]["A"],
                "load/B": CONTENT[split]["load"]["B"],
                "price": CONTENT[split]["price"],
            }
        )
        for split in ("train", "test")
    ]
    return pd.concat(parts, ignore_index=True)


def assert_is_content(data):
    for split in ("train", "test"):
        assert sorted(data[split]) == ["load", "price"]
        assert np.array_equal(data[split]["price"], CONTENT[split]["price"])
        for area in ("A", "B"):
            assert np.allclose(data[split]["load"][area], CONTENT[split]["load"][area], rtol=1e-15)


def test_a_frame_becomes_a_dataset():
    assert_is_content(dataset_from_frame(as_frame()))


def test_npz_is_read(tmp_path):
    flat = {f"{split}/price": CONTENT[split]["price"] for split in CONTENT}
    for split, content in CONTENT.items():
        flat |= {f"{split}/load/{area}": rows for area, rows in content["load"].items()}
    np.savez(tmp_path / "data.npz", **flat)
    assert_is_content(load_dataset(tmp_path / "data.npz"))


def test_csv_is_read(tmp_path):
    as_frame().to_csv(tmp_path / "data.csv", index=False)
    assert_is_content(load_dataset(tmp_path / "data.csv"))


def test_parquet_is_read(tmp_path):
    pytest.importorskip("pyarrow")
    as_frame().to_parquet(tmp_path / "data.parquet", index=False)
    assert_is_content(load_dataset(tmp_path / "data.parquet"))


@pytest.mark.parametrize("suffix", [".pkl", ".pickle", ".PKL"])
def test_a_pickle_of_plain_data_is_read(tmp_path, suffix):
    path = tmp_path / f"data{suffix}"
    path.write_bytes(pickle.dumps(CONTENT))
    assert_is_content(load_dataset(str(path)))


def test_a_pickle_of_anything_else_needs_trust(tmp_path):
    path = tmp_path / "data.pkl"
    content = {"train": {"price": pd.Series(HOURS, dtype=float)}}
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(RefusedPickleError, match=r"names pandas.*trusted=True"):
        load_dataset(path)
    assert np.array_equal(load_dataset(path, trusted=True)["train"]["price"], HOURS)


def test_a_pickled_day_of_sun_serves_a_year(tmp_path):
    rng = np.random.default_rng(0)
    sun = np.maximum(0, np.sin(np.linspace(0, 2 * np.pi, 24)))
    content = {"train": {"load": rng.uniform(0.5, 1.2, 8760), "solar": sun}, "test": {}}
    (tmp_path / "data.pkl").write_bytes(pickle.dumps(content))
    data = load_dataset(tmp_path / "data.pkl")
    assert data["train"]["solar"].shape == (8760,)
    assert data["test"] == {}


def test_rows_without_a_split_column_are_for_training():
    data = dataset_from_frame(pd.DataFrame({"price": [1.0, 2.0]}))
    assert data["train"]["price"].tolist() == [1.0, 2.0]
    assert data["test"] == {}


def test_a_shorter_series_leaves_its_last_cells_empty():
    frame = pd.DataFrame({"price": [1.0, 2.0, 3.0, 4.0], "solar": [0.1, 0.2, None, None]})
    assert dataset_from_frame(frame)["train"]["solar"].tolist() == [0.1, 0.2, 0.1, 0.2]


def test_an_empty_cell_amid_a_series_is_an_error():
    with pytest.raises(ConfigError, match="train/price has 1 NaN"):
        dataset_from_frame(pd.DataFrame({"price": [1.0, None, 3.0]}))


def test_a_column_that_is_empty_in_a_split_is_absent_there():
    frame = pd.DataFrame({"split": ["train", "test"], "price": [1.0, 2.0], "wind": [0.5, None]})
    data = dataset_from_frame(frame)
    assert sorted(data["train"]) == ["price", "wind"]
    assert sorted(data["test"]) == ["price"]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"prize": [1.0]}, "did you mean 'price'"),
        ({"split": ["trian"], "price": [1.0]}, "did you mean 'train'"),
        ({"price": [1.0], "price/A": [1.0]}, "both for every area and by area"),
        ({"price/A": [1.0], "price": [1.0]}, "both for every area and by area"),
    ],
)
def test_a_bad_table_is_refused_with_a_reason(frame, message):
    with pytest.raises(ConfigError, match=message):
        dataset_from_frame(pd.DataFrame(frame))


def test_an_unknown_name_in_an_npz_is_refused(tmp_path):
    np.savez(tmp_path / "data.npz", **{"training/price": np.ones(3)})
    with pytest.raises(ConfigError, match="did you mean 'train'"):
        load_dataset(tmp_path / "data.npz")


def test_objects_in_an_npz_are_refused(tmp_path):
    np.savez(tmp_path / "data.npz", **{"train/price": np.array([{}], dtype=object)})
    with pytest.raises(ConfigError, match="cannot be read"):
        load_dataset(tmp_path / "data.npz")


def test_an_unknown_suffix_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"unknown suffix '.npy'; did you mean '.npz'"):
        load_dataset(tmp_path / "data.npy")


def test_a_missing_file_is_not_found(tmp_path):
    with pytest.raises(FileNotFoundError, match="no dataset file at"):
        load_dataset(tmp_path / "data.npz")


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    (tmp_path / "data.npz").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_dataset(tmp_path / "data.npz")


def test_a_single_array_in_the_place_of_an_archive_is_refused(tmp_path):
    with (tmp_path / "data.npz").open("wb") as stream:
        np.save(stream, np.ones(3))
    with pytest.raises(ConfigError, match="holds one array"):
        load_dataset(tmp_path / "data.npz")
