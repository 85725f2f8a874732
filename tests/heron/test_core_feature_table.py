"""One array holds all features."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from heron.core.feature import FeatureBlock
from heron.core.state import FieldAgentState
from heron.errors import ConfigError, HeronError
from heron.reference.feature_table import FeatureTable


@dataclass
class Power(FeatureBlock):
    p_MW: float = 0.0
    q_MVAr: float = 0.0


@dataclass
class Voltages(FeatureBlock):
    vm_pu: np.ndarray = field(default_factory=lambda: np.array([1.0, 1.1]))
    v_min: float = 1.0


@pytest.fixture
def table() -> FeatureTable:
    table = FeatureTable()
    table.add_block("MG1/gen1", "electrical", Power(2.0, 0.5))
    table.add_block("MG1", "voltages", Voltages())
    table.freeze()
    return table


def test_slots_follow_the_order_of_adding(table):
    assert table.values.tolist() == [2.0, 0.5, 1.0, 1.1, 1.0]
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
    values = table.values
    state.electrical.p_MW = 4.0
    values[1] = -1.0
    assert values.tolist() == [4.0, -1.0]
    assert state.electrical.q_MVAr == -1.0
    assert table.values is values


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
def test_gather_copies_the_indexed_values_into_the_output(table, dtype):
    out = np.zeros(3, dtype=dtype)
    assert table.gather(np.array([4, 0, 3]), out) is out
    assert out.tolist() == pytest.approx([1.0, 2.0, 1.1], rel=1e-7)
    assert out.dtype == dtype


def test_gather_refuses_an_output_of_another_length(table):
    with pytest.raises(ValueError, match=r"out has shape \(1,\), expected \(2,\)"):
        table.gather(np.array([0, 1]), np.zeros(1))


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
