"""One array holds all features."""

from __future__ import annotations

import copy
import gc
import pickle
from dataclasses import dataclass, field

import numpy as np
import pytest

from heron.core.feature import FeatureBlock
from heron.core.feature_table import FeatureTable
from heron.core.state import FieldAgentState
from heron.errors import ConfigError, HeronError, InvalidArgumentError


@dataclass
class Power(FeatureBlock):
    p_MW: float = 0.0
    q_MVAr: float = 0.0


@dataclass
class Voltages(FeatureBlock):
    vm_pu: np.ndarray = field(default_factory=lambda: np.array([1.0, 1.1]))
    v_min: float = 1.0


def numbers(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int32)


@pytest.fixture(params=["native", "reference"])
def table(request: pytest.FixtureRequest) -> FeatureTable:
    table = FeatureTable(n_history=3, backend=request.param)
    table.add_block("MG1/gen1", "electrical", Power(2.0, 0.5))
    table.add_block("MG1", "voltages", Voltages())
    table.freeze()
    return table


def test_slots_follow_the_order_of_adding(table):
    assert table.values.tolist() == [[2.0], [0.5], [1.0], [1.1], [1.0]]
    assert table.slot_names == [
        "MG1/gen1.electrical.p_MW",
        "MG1/gen1.electrical.q_MVAr",
        "MG1.voltages.vm_pu[0]",
        "MG1.voltages.vm_pu[1]",
        "MG1.voltages.v_min",
    ]
    assert len(table) == 5


def test_add_block_returns_the_slots():
    table = FeatureTable()
    assert table.add_block("a", "x", Power()) == slice(0, 2)
    assert table.add_block("b", "x", Voltages()) == slice(2, 5)


def test_a_block_reads_and_writes_the_table():
    table, state = FeatureTable(), FieldAgentState("gen1")
    state.add_feature("electrical", Power())
    state.bind(table)
    table.freeze()
    values = table.values[:, 0]
    state.electrical.p_MW = 4.0
    values[1] = -1.0
    assert values.tolist() == [4.0, -1.0]
    assert state.electrical.q_MVAr == -1.0
    assert np.shares_memory(table.values, values)


def test_slots_are_found_by_name(table):
    assert table.slot("MG1/gen1", "electrical", "q_MVAr") == 1
    assert table.slot("MG1", "voltages", "vm_pu[1]") == 3
    assert table.slots("MG1", "voltages") == slice(2, 5)
    assert table.slots("MG1", "voltages", "vm_pu") == slice(2, 4)


def test_an_unknown_name_gets_the_nearest(table):
    with pytest.raises(ConfigError, match="did you mean 'p_MW'"):
        table.slot("MG1/gen1", "electrical", "p_mw")
    with pytest.raises(ConfigError, match="did you mean 'v_min'"):
        table.slots("MG1", "voltages", "v_mn")
    with pytest.raises(ConfigError, match=r"did you mean 'MG1\.voltages'"):
        table.slots("MG1", "voltage")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gather_copies_what_observers_see_into_rows(table, dtype):
    few, many = table.add_observer([4]), table.add_observer(np.array([4, 0, 3]))
    out = np.full((2, 3), 9.0, dtype=dtype)
    table.gather(numbers(many, few), numbers(0, 0), out)
    assert out.tolist() == [[1.0, 2.0, dtype(1.1)], [1.0, 0.0, 0.0]]
    assert table.observer(many).tolist() == [4, 0, 3]


def test_a_gather_as_of_a_time_sees_what_was(table):
    p_mw = table.slot("MG1/gen1", "electrical", "p_MW")
    observer = table.add_observer([p_mw])
    for time_s in (10.0, 20.0):
        table.values[p_mw] = time_s
        table.snapshot_all(time_s)
    table.values[p_mw] = -1.0
    out = np.full((3, 1), 9.0)
    times_s = np.array([9.9, 10.0, 50.0])
    is_stale = table.gather_as_of(numbers(*[observer] * 3), numbers(0, 0, 0), times_s, out)
    assert is_stale.tolist() == [True, False, False]
    assert out.tolist() == [[0.0], [10.0], [20.0]]
    table.clear_history(0)
    assert table.as_of(0, 50.0) is None


def test_an_observer_is_a_list_of_whole_numbers(table):
    with pytest.raises(TypeError, match="slots are float64, expected whole numbers"):
        table.add_observer([0.0, 1.0])
    with pytest.raises(InvalidArgumentError, match="slot 5 does not exist; the table has 5"):
        table.add_observer([5])
    assert table.add_observer([]) == 0


def test_a_block_lives_in_lane_0_and_leaves_the_other_lanes_alone():
    table, block = FeatureTable(n_lane=9), Voltages()
    table.add_block("MG1", "voltages", block)
    table.freeze()
    block.vm_pu = [0.9, 0.8]
    assert table.values.shape == (3, 9)
    assert table.values[:, 0].tolist() == [0.9, 0.8, 1.0]
    assert (table.values[:, 1:].T == [1.0, 1.1, 1.0]).all()
    assert np.shares_memory(block.vm_pu, table.values)


def test_a_view_outlives_its_table(table):
    view = table.values[1:3]
    whole = table.values.tolist()
    del table
    gc.collect()
    # Memory that had been freed would be taken by these.
    others = [FeatureTable() for _ in range(50)]
    for other in others:
        other.add_block("a", "x", Voltages())
        other.freeze()
        other.values[:] = 7.0
    assert view.tolist() == whole[1:3]
    view[:] = 1.0
    assert view.tolist() == [[1.0], [1.0]]


def test_one_owner_has_a_name_once():
    table = FeatureTable()
    table.add_block("gen1", "electrical", Power())
    with pytest.raises(ConfigError, match="in the table already"):
        table.add_block("gen1", "electrical", Power())


def test_a_frozen_table_takes_no_blocks_and_is_not_frozen_again(table):
    with pytest.raises(HeronError, match="frozen"):
        table.add_block("gen2", "electrical", Power())
    with pytest.raises(HeronError, match="frozen already"):
        table.freeze()


def test_an_array_that_grew_after_adding_is_refused():
    table, block = FeatureTable(), Voltages()
    table.add_block("MG1", "voltages", block)
    block.vm_pu = np.ones(5)
    with pytest.raises(HeronError, match="has 6 values, but 3 when it was added"):
        table.freeze()
    assert not table.is_frozen


def test_there_are_no_values_before_freezing():
    table = FeatureTable()
    with pytest.raises(HeronError, match=r"before freeze\(\)"):
        _ = table.values


def test_what_a_table_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="did you mean 'native'"):
        FeatureTable(backend="nativ")
    with pytest.raises(ConfigError, match="0 lanes that keeps 0 snapshots"):
        FeatureTable(n_lane=0)
    with pytest.raises(ConfigError, match="1 lanes that keeps -1 snapshots"):
        FeatureTable(n_history=-1)
    with pytest.raises(ConfigError, match="'x' has no owner"):
        FeatureTable().add_block("", "x", Power())


def test_an_unknown_visibility_tag_is_refused_when_the_block_is_added():
    table, block = FeatureTable(), Power()
    block.visibility = ["owners"]
    with pytest.raises(ConfigError, match="did you mean 'owner'"):
        table.add_block("gen1", "electrical", block)
    assert len(table) == 0


DUPLICATES = [copy.deepcopy, lambda table: pickle.loads(pickle.dumps(table))]


@pytest.mark.parametrize("duplicate", DUPLICATES)
def test_a_copy_goes_on_by_itself_with_the_same_past(table, duplicate):
    observer = table.add_observer([3, 0])
    for time_s in range(5):  # more than the history holds
        table.values[0] = time_s
        table.snapshot_all(float(time_s))
    table.values[0] = np.nan
    twin = duplicate(table)
    assert twin.backend == table.backend
    assert twin.slot_names == table.slot_names
    np.testing.assert_array_equal(twin.values, table.values)
    assert twin.snapshot_times(0).tolist() == [2.0, 3.0, 4.0]
    assert twin.visible_slots("MG1", 2).tolist() == table.visible_slots("MG1", 2).tolist()
    out = np.zeros((1, 2))
    assert not twin.gather_as_of(numbers(observer), numbers(0), np.array([3.5]), out)[0]
    assert out.tolist() == [[1.1, 3.0]]
    before = table.values.copy()
    twin.values[:] = 8.0
    twin.snapshot_all(9.0)
    np.testing.assert_array_equal(table.values, before)
    assert table.snapshot_times(0).tolist() == [2.0, 3.0, 4.0]


def test_a_copy_with_a_history_remembers_what_the_table_cannot():
    for backend in ("native", "reference"):
        block, table = Power(1.0), FeatureTable(backend=backend)
        table.add_block("gen1", "electrical", block)
        table.freeze()
        observer = table.add_observer([0])
        twin = table.with_history(2)
        assert (twin.n_history, twin.backend, twin.slot_names) == (2, backend, table.slot_names)
        for time_s in range(3):
            block.p_MW = 10.0 + time_s
            twin.values[:] = table.values
            twin.snapshot_all(float(time_s))
        block.p_MW = 99.0
        assert twin.snapshot_times(0).tolist() == [1.0, 2.0]
        out = np.zeros((1, 1))
        twin.gather_as_of(numbers(observer), numbers(0), np.array([1.0]), out)
        assert (out[0, 0], twin.values[0, 0]) == (11.0, 12.0)
        assert table.n_history == 0


@pytest.mark.parametrize("duplicate", DUPLICATES)
def test_the_blocks_of_a_copy_write_the_copy(duplicate):
    table, state = FeatureTable(), FieldAgentState("gen1")
    state.add_feature("electrical", Power(1.0))
    state.bind(table)
    table.freeze()
    twin, twin_state = duplicate((table, state))
    twin_state.electrical.p_MW = 5.0
    assert (table.values[0, 0], twin.values[0, 0]) == (1.0, 5.0)
    assert state.electrical.p_MW == 1.0


@pytest.mark.parametrize("duplicate", DUPLICATES)
def test_a_copy_of_an_unfrozen_table_can_be_frozen(duplicate):
    table = FeatureTable()
    table.add_block("gen1", "electrical", Power(1.0))
    twin = duplicate(table)
    twin.add_block("gen2", "electrical", Power(2.0))
    twin.freeze()
    assert twin.values.tolist() == [[1.0], [0.0], [2.0], [0.0]]
    assert len(table) == 2


def test_a_shallow_copy_is_refused(table):
    with pytest.raises(TypeError, match=r"copy\.deepcopy"):
        copy.copy(table)


def test_freezing_puts_the_blocks_values_into_every_lane():
    table, block = FeatureTable(n_lane=3), Power(2.0)
    table.add_block("MG1", "power", block)
    table.freeze()
    assert table.values[0].tolist() == [2.0, 2.0, 2.0]
    block.p_MW = 5.0
    assert table.values[0].tolist() == [5.0, 2.0, 2.0]


@pytest.mark.parametrize("slot", [2**32, -(2**32), 2**31])
def test_a_slot_beyond_32_bits_is_refused_and_not_wrapped(slot):
    table = FeatureTable()
    table.add_block("MG1", "power", Power())
    table.freeze()
    with pytest.raises(ValueError, match="slots reach"):
        table.add_observer([slot])
