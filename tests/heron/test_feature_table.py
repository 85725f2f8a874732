"""The compiled feature table and its pure-Python twin give the same values, call for call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from heron._core import FeatureTable as NativeTable
from heron.errors import InvalidArgumentError
from heron.reference.feature_table import FeatureTable as ReferenceTable

# Few distinct times, so that equal ones and those that go back are common.
times = st.sampled_from([0.0, -0.0, 0.5, 1.0, 2.0, 2.5, 3.0, 60.0]) | st.floats()
numbers = st.integers(-1, 4)
values = st.floats(width=64)


def outcome(call: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a call gives, or the text of the error with which it refuses."""
    try:
        return call(*arguments)
    except InvalidArgumentError as error:
        return str(error)


def same(ours: Any, theirs: Any) -> None:
    """Demand equal results; a refusal only has to be a refusal of the same argument."""
    if isinstance(theirs, str):
        assert isinstance(ours, str)
        assert ours.split()[0] == theirs.split()[0], (ours, theirs)
    elif isinstance(theirs, np.ndarray):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs, strict=True)
    else:
        assert ours == theirs


class TablePrograms(RuleBasedStateMachine):
    """Run one random program on both tables and compare every answer."""

    @initialize(
        n_slot=st.integers(0, 5), n_lane=st.sampled_from([1, 2, 8, 9]), n_history=st.integers(0, 3)
    )
    def make(self, n_slot: int, n_lane: int, n_history: int) -> None:
        self.native = NativeTable(n_slot, n_lane, n_history)
        self.reference = ReferenceTable(n_slot, n_lane, n_history)
        self.views = (self.native.values, self.reference.values)

    def both(self, name: str, *arguments: Any) -> None:
        ours = outcome(getattr(self.native, name), *arguments)
        same(ours, outcome(getattr(self.reference, name), *arguments))

    @rule(slot=st.integers(0, 4), lane=st.integers(0, 8), value=values)
    def write(self, slot: int, lane: int, value: float) -> None:
        for view in self.views:
            if slot < view.shape[0] and lane < view.shape[1]:
                view[slot, lane] = value

    @rule(value=values, data=st.data())
    def write_a_lane(self, value: float, data: st.DataObject) -> None:
        lane = data.draw(st.integers(0, self.native.n_lane - 1))
        for view in self.views:
            view[:, lane] = value

    @rule(entries=st.lists(st.tuples(numbers, times), max_size=10))
    def snapshot(self, entries: list[tuple[int, float]]) -> None:
        lane = np.array([lane for lane, _ in entries], dtype=np.int32)
        self.both("snapshot", lane, np.array([time for _, time in entries], dtype=np.float64))

    @rule(time_s=times)
    def snapshot_all(self, time_s: float) -> None:
        self.both("snapshot_all", time_s)

    @rule(lane=numbers)
    def clear_history(self, lane: int) -> None:
        self.both("clear_history", lane)

    @rule(lane=numbers, time_s=times)
    def as_of(self, lane: int, time_s: float) -> None:
        self.both("as_of", lane, time_s)

    @rule(lane=numbers)
    def snapshot_times(self, lane: int) -> None:
        self.both("n_snapshot", lane)
        self.both("snapshot_times", lane)

    @rule(slots=st.lists(st.integers(0, 4), max_size=6))
    def add_observer(self, slots: list[int]) -> None:
        self.both("add_observer", np.array(slots, dtype=np.int32))

    @rule(observer=numbers)
    def observer(self, observer: int) -> None:
        self.both("observer", observer)

    @rule(
        rows=st.lists(st.tuples(numbers, numbers), max_size=6),
        n_extra_row=st.sampled_from([0, 0, 0, 1]),
        row_length=st.integers(0, 7),
        dtype=st.sampled_from([np.float32, np.float64]),
    )
    def gather(
        self, rows: list[tuple[int, int]], n_extra_row: int, row_length: int, dtype: type
    ) -> None:
        observer = np.array([observer for observer, _ in rows], dtype=np.int32)
        lane = np.array([lane for _, lane in rows], dtype=np.int32)
        outs = [np.full((len(rows) + n_extra_row, row_length), 7.0, dtype=dtype) for _ in range(2)]
        ours = outcome(self.native.gather, observer, lane, outs[0])
        same(ours, outcome(self.reference.gather, observer, lane, outs[1]))
        same(outs[0], outs[1])

    @precondition(lambda self: self.native.n_observer > 0)
    @rule(
        rows=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), times), max_size=6),
        dtype=st.sampled_from([np.float32, np.float64]),
    )
    def gather_as_of(self, rows: list[tuple[int, int, float]], dtype: type) -> None:
        n_observer, n_lane = self.native.n_observer, self.native.n_lane
        observer = np.array([observer % n_observer for observer, _, _ in rows], dtype=np.int32)
        lane = np.array([lane % n_lane for _, lane, _ in rows], dtype=np.int32)
        time_s = np.array([time for _, _, time in rows], dtype=np.float64)
        outs = [np.full((len(rows), 6), 7.0, dtype=dtype) for _ in range(2)]
        ours = outcome(self.native.gather_as_of, observer, lane, time_s, outs[0])
        same(ours, outcome(self.reference.gather_as_of, observer, lane, time_s, outs[1]))
        same(outs[0], outs[1])

    @invariant()
    def values_are_equal(self) -> None:
        same(*self.views)


TestTablePrograms = TablePrograms.TestCase
TestTablePrograms.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)

TABLES = [NativeTable, ReferenceTable]


@pytest.mark.parametrize("table_class", TABLES)
def test_sizes_that_cannot_be_are_refused(table_class: type[Any]) -> None:
    for sizes in [(-1, 1, 0), (1, 0, 0), (1, 1, -1)]:
        with pytest.raises(InvalidArgumentError, match="expected at least"):
            table_class(*sizes)


@pytest.mark.parametrize("table_class", TABLES)
def test_time_at_nan_or_going_back_is_a_clear_error(table_class: type[Any]) -> None:
    table = table_class(1, 2, 3)
    table.snapshot_all(2.0)
    for time_s, message in [
        (np.nan, "time_s of lane 0 is nan, expected a finite number of seconds"),
        (1.0, "before its last snapshot at 2.*clear_history"),
    ]:
        with pytest.raises(InvalidArgumentError, match=message):
            table.snapshot_all(time_s)
    with pytest.raises(InvalidArgumentError, match="time_s is nan"):
        table.as_of(0, np.nan)
    assert table.snapshot_times(1).tolist() == [2.0]


@pytest.mark.parametrize("table_class", TABLES)
def test_a_snapshot_of_a_table_without_history_says_what_to_do(table_class: type[Any]) -> None:
    with pytest.raises(InvalidArgumentError, match="make it with n_history of at least 1"):
        table_class(1).snapshot_all(0.0)


@pytest.mark.parametrize("table_class", TABLES)
def test_what_lies_beyond_float32_becomes_infinity(table_class: type[Any]) -> None:
    table = table_class(1)
    table.values[:] = 1e300
    table.add_observer(np.zeros(1, dtype=np.int32))
    out = np.zeros((1, 1), dtype=np.float32)
    table.gather(np.zeros(1, dtype=np.int32), np.zeros(1, dtype=np.int32), out)
    assert out[0, 0] == np.inf


@pytest.mark.parametrize("table_class", TABLES)
def test_what_is_read_of_the_past_is_a_copy(table_class: type[Any]) -> None:
    table = table_class(2, 1, 1)
    table.snapshot_all(0.0)
    table.as_of(0, 0.0)[:] = 9.0
    assert table.as_of(0, 0.0).tolist() == [0.0, 0.0]
    table.add_observer(np.zeros(1, dtype=np.int32))
    table.observer(0)[:] = 9
    assert table.observer(0).tolist() == [0]


ZERO, OUT, NOW = np.zeros(1, dtype=np.int32), np.zeros((1, 2)), np.zeros(1)


@pytest.mark.parametrize("table_class", TABLES)
@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        pytest.param("gather", (ZERO.astype(np.int64), ZERO, OUT), id="int64 observers"),
        pytest.param("gather", (ZERO, ZERO.astype(np.uint32), OUT), id="unsigned lanes"),
        pytest.param("gather", ([0], ZERO, OUT), id="a list"),
        pytest.param("gather", (ZERO, ZERO.reshape(1, 1), OUT), id="lanes in two dimensions"),
        pytest.param("gather", (ZERO, ZERO, OUT[0]), id="out in one dimension"),
        pytest.param("gather", (ZERO, ZERO, OUT.astype(np.float16)), id="half precision out"),
        pytest.param("gather", (ZERO, ZERO, OUT.astype(np.int64)), id="integers out"),
        pytest.param("gather", (ZERO, ZERO, np.zeros((2, 2)).T), id="out column by column"),
        pytest.param("gather", (ZERO, ZERO, np.zeros((1, 4))[:, ::2]), id="strided out"),
        pytest.param("gather", (ZERO, ZERO, OUT.astype(">f8")), id="foreign byte order"),
        pytest.param("gather", (ZERO, ZERO, np.broadcast_to(0.0, (1, 1))), id="read-only out"),
        pytest.param("gather_as_of", (ZERO, ZERO, NOW.astype(np.float32), OUT), id="float32 time"),
        pytest.param("snapshot", (ZERO, NOW.astype(np.int64)), id="integer times"),
        pytest.param("add_observer", (NOW,), id="float slots"),
    ],
)
def test_an_array_of_another_form_is_a_type_error_not_a_copy(
    table_class: type[Any], method: str, arguments: tuple[Any, ...]
) -> None:
    table = table_class(3, 1, 2)
    table.add_observer(ZERO)
    with pytest.raises(TypeError):
        getattr(table, method)(*arguments)
    assert (table.n_observer, table.n_snapshot(0)) == (1, 0)
