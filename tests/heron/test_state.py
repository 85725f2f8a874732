"""States hold blocks under names."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pytest

from heron.core.feature import FeatureBlock
from heron.core.feature_table import FeatureTable
from heron.core.state import CoordinatorAgentState, FieldAgentState, State, SystemAgentState
from heron.errors import ConfigError


@dataclass
class Electrical(FeatureBlock):
    visibility: ClassVar[list[str]] = ["owner", "upper_level"]
    p_MW: float = 0.0
    q_MVAr: float = 0.0


@dataclass
class Voltages(FeatureBlock):
    vm_pu: np.ndarray = field(default_factory=lambda: np.array([1.0]))
    v_min: float = 1.0


@pytest.fixture
def state() -> State:
    state = FieldAgentState(owner_id="gen1")
    state.add_feature("electrical", Electrical(p_MW=2.0))
    state.add_feature("voltages", Voltages())
    return state


def test_features_are_attributes(state):
    state.electrical.p_MW = 3.0
    assert state.features["electrical"].p_MW == 3.0
    assert hasattr(state, "voltages")
    assert not hasattr(state, "line_flows")


def test_the_array_and_the_names_follow_the_order_of_adding(state):
    assert state.to_array().tolist() == [2.0, 0.0, 1.0, 1.0]
    assert state.vector().tolist() == state.to_array().tolist()
    assert state.names() == [
        "electrical.p_MW",
        "electrical.q_MVAr",
        "voltages.vm_pu[0]",
        "voltages.v_min",
    ]


def test_a_state_without_features_has_an_empty_array():
    assert FieldAgentState("gen1").to_array().shape == (0,)


def test_a_name_is_taken_once(state):
    with pytest.raises(ConfigError, match="already has a feature 'electrical'"):
        state.add_feature("electrical", Electrical())


@pytest.mark.parametrize("name", ["reset", "features", "owner_id", "no name"])
def test_a_name_that_cannot_be_an_attribute_is_refused(state, name):
    with pytest.raises(ConfigError, match="cannot be named"):
        state.add_feature(name, Electrical())


def test_only_feature_blocks_are_taken(state):
    with pytest.raises(TypeError, match="expected a FeatureBlock"):
        state.add_feature("x", {"p_MW": 1.0})


def test_a_block_cannot_be_replaced(state):
    with pytest.raises(AttributeError, match="cannot be replaced"):
        state.electrical = Electrical()


def test_update_feature_sets_fields_by_name(state):
    state.update_feature("electrical", p_MW=1.0, q_MVAr=-1.0)
    assert state.electrical.to_dict() == {"p_MW": 1.0, "q_MVAr": -1.0}
    with pytest.raises(ConfigError, match="did you mean 'electrical'"):
        state.update_feature("electric", p_MW=1.0)


def test_only_what_the_requestor_may_see_is_observed(state):
    assert {n: v.tolist() for n, v in state.observed_by("MG1", 2).items()} == {
        "electrical": [2.0, 0.0]
    }
    assert list(state.observed_by("gen1", 1)) == ["electrical", "voltages"]
    assert state.observed_by("gen2", 1) == {}


def test_what_is_observed_is_a_copy(state):
    state.observed_by("gen1", 1)["electrical"][0] = 9.0
    assert state.electrical.p_MW == 2.0


def test_from_dict_undoes_to_dict(state):
    saved = state.to_dict()
    state.electrical.p_MW = 5.0
    state.voltages.vm_pu = [0.9, 0.8]
    state.from_dict(saved)
    assert state.to_array().tolist() == [2.0, 0.0, 1.0, 1.0]


def test_reset_returns_to_the_values_at_the_time_of_adding(state):
    state.electrical.p_MW = 5.0
    state.voltages.vm_pu = [0.9, 0.8]
    state.reset()
    assert state.to_array().tolist() == [2.0, 0.0, 1.0, 1.0]


def test_reset_returns_to_what_was_kept_for_it(state):
    state.electrical.p_MW = 5.0
    state.keep_for_reset()
    state.electrical.p_MW = 6.0
    state.reset()
    assert state.electrical.p_MW == 5.0


def test_reset_of_a_bound_state_writes_to_the_table(state):
    state.voltages.vm_pu = [0.9, 0.8]
    table = FeatureTable()
    state.bind(table)
    table.freeze()
    table.values[:] = 7.0
    state.reset()
    # The array had another shape when it was added: it returns to what it held at bind.
    assert table.values[:, 0].tolist() == [2.0, 0.0, 0.9, 0.8, 1.0]


def test_a_copy_is_independent(state):
    twin = copy.deepcopy(state)
    twin.electrical.p_MW = 9.0
    assert twin.features["electrical"] is twin.electrical
    assert state.electrical.p_MW == 2.0


@pytest.mark.parametrize(
    ("kind", "level"), [(FieldAgentState, 1), (CoordinatorAgentState, 2), (SystemAgentState, 3)]
)
def test_each_kind_has_its_level(kind, level):
    assert kind(owner_id="a").owner_level == level


def test_every_reset_of_a_bound_state_is_like_the_first(state):
    table = FeatureTable()
    state.voltages.vm_pu = np.array([1.0, 1.01])
    state.bind(table)
    table.freeze()
    seen = []
    for _ in range(3):
        state.electrical.p_MW, state.voltages.vm_pu = 9.0, np.array([0.5, 0.6])
        state.reset()
        seen.append(table.values.tobytes())
        assert state.electrical.p_MW == 2.0
        assert state.voltages.vm_pu.tolist() == [1.0, 1.01]
    assert len(set(seen)) == 1
    state.electrical.p_MW = 4.0
    state.keep_for_reset()
    for _ in range(2):
        state.electrical.p_MW = 5.0
        state.reset()
        assert state.electrical.p_MW == 4.0
    twin = copy.deepcopy(state)
    twin.electrical.p_MW = 6.0
    twin.reset()
    assert (twin.electrical.p_MW, state.electrical.p_MW) == (4.0, 4.0)


def test_a_block_with_a_way_of_its_own_to_be_set_is_asked_at_every_reset():
    class Counting(Electrical):
        def set_values(self, **values):
            super().set_values(**values)
            self.__dict__["n_set"] = self.__dict__.get("n_set", 0) + 1

    state = FieldAgentState(owner_id="gen1")
    state.add_feature("electrical", Counting(p_MW=2.0))
    table = FeatureTable()
    state.bind(table)
    table.freeze()
    for _ in range(3):
        state.reset()
    assert state.electrical.n_set == 3
