"""Who may see what, compiled into gather lists, is what states answer one by one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heron.core.feature import FeatureBlock
from heron.core.feature_table import FeatureTable
from heron.core.state import State
from heron.core.visibility import VISIBILITY_TAGS


@dataclass
class Unit(FeatureBlock):
    p_MW: float = 0.0
    is_online: bool = True


@dataclass
class Voltages(FeatureBlock):
    vm_pu: np.ndarray = field(default_factory=lambda: np.ones(3))
    v_min: float = 1.0


tags = st.lists(st.sampled_from(VISIBILITY_TAGS), max_size=3, unique=True)
features = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), st.tuples(st.sampled_from([Unit, Voltages]), tags)
)
owners = st.sampled_from(["gen1", "gen2", "MG1", "DSO"])
populations = st.dictionaries(owners, st.tuples(st.integers(1, 3), features), min_size=1)
requestors = st.none() | owners | st.just("nobody")


def states_of(population: dict[str, Any], seed: int) -> list[State]:
    """Make the states with values drawn at random, so that no two are equal."""
    rng = np.random.default_rng(seed)
    states = []
    for owner, (level, blocks) in population.items():
        state = State(owner, level)
        for name, (kind, visibility) in blocks.items():
            block = kind.from_array(rng.normal(size=kind().size))
            block.visibility = visibility
            state.add_feature(name, block)
        states.append(state)
    return states


def row_of(table: FeatureTable, observer: int) -> np.ndarray:
    out = np.full((1, len(table.observer(observer))), np.nan)
    table.gather(np.array([observer], dtype=np.int32), np.zeros(1, dtype=np.int32), out)
    return out[0]


@pytest.mark.parametrize("backend", ["native", "reference"])
@given(
    population=populations,
    seed=st.integers(0, 99),
    requestor=requestors,
    level=st.integers(0, 4),
    one_owner=st.none() | owners,
)
@settings(max_examples=100, deadline=None)
def test_a_gather_holds_what_the_states_let_the_requestor_observe(
    backend: Any,
    population: dict[str, Any],
    seed: int,
    requestor: str | None,
    level: int,
    one_owner: str | None,
) -> None:
    states = states_of(population, seed)
    table = FeatureTable(backend=backend)
    for state in states:
        state.bind(table)
    table.freeze()
    expected = [
        values
        for state in states
        if one_owner in (None, state.owner_id)
        for values in state.observed_by(requestor, level).values()
    ]
    slots = table.visible_slots(requestor, level, one_owner)
    observer = table.add_observer(slots)
    np.testing.assert_array_equal(row_of(table, observer), np.concatenate([np.zeros(0), *expected]))

    hidden = np.setdiff1d(np.arange(len(table)), slots)
    before = row_of(table, observer).tobytes()
    table.values[hidden] = np.nan
    assert row_of(table, observer).tobytes() == before
