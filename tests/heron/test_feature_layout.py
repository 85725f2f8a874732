"""The compiled layout of features and its pure-Python twin behave alike, call for call."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heron._core import FeatureLayout as NativeLayout
from heron.core.visibility import VISIBILITY_TAGS, is_visible
from heron.errors import InvalidArgumentError
from heron.reference.feature_layout import FeatureLayout as ReferenceLayout

LAYOUTS = [NativeLayout, ReferenceLayout]

owners = st.sampled_from(["gen1", "gen2", "MG1", "Müller/ess"])
names = st.sampled_from(["electrical", "status", "zähler"])
levels = st.integers(-1, 4) | st.sampled_from([-(2**31), 2**31 - 1])
tags = st.lists(st.sampled_from(VISIBILITY_TAGS), max_size=4)
blocks = st.tuples(owners, names, st.integers(0, 5), levels, tags)
requestors = st.none() | owners | st.sampled_from(["", "nobody"])


@given(
    program=st.lists(blocks, max_size=12),
    requestor=requestors,
    level=levels,
    owner=st.none() | owners | st.just(""),
)
@settings(max_examples=200, deadline=None)
def test_both_layouts_answer_alike(
    program: list[Any], requestor: str | None, level: int, owner: str | None
) -> None:
    native, reference = NativeLayout(), ReferenceLayout()
    for block in program:
        if reference.find(block[0], block[1]) is not None:
            for layout in (native, reference):
                with pytest.raises(InvalidArgumentError, match="is in the layout already"):
                    layout.add_block(*block)
        else:
            assert native.add_block(*block) == reference.add_block(*block)
    assert len(native) == len(reference)
    assert native.n_slot == reference.n_slot
    for block in program:
        assert native.find(block[0], block[1]) == reference.find(block[0], block[1])
    ours = native.visible_slots(requestor, level, owner)
    theirs = reference.visible_slots(requestor, level, owner)
    assert ours.dtype == theirs.dtype == np.int32
    assert ours.tolist() == theirs.tolist()


@given(requestor=requestors, level=levels, owner=owners, owner_level=levels, tags=tags)
@settings(max_examples=200, deadline=None)
def test_a_slot_is_listed_if_and_only_if_its_block_is_visible(
    requestor: str | None, level: int, owner: str, owner_level: int, tags: list[str]
) -> None:
    layout = NativeLayout()
    layout.add_block(owner, "x", 1, owner_level, tags)
    expected = [0] if is_visible(tags, requestor, level, owner, owner_level) else []
    assert layout.visible_slots(requestor, level).tolist() == expected


@pytest.mark.parametrize("layout_class", LAYOUTS)
@pytest.mark.parametrize(
    ("block", "message"),
    [
        (("", "x", 1, 1, []), "'.x' has no owner"),
        (("gen1", "x", -1, 1, []), "'gen1.x' has -1 slots, expected 0 to 2147483645"),
        (("gen1", "x", 2**31 - 1, 1, []), "has 2147483647 slots, expected 0 to 2147483645"),
        (("gen1", "x", 1, 1, ["owners"]), "'owners' does not exist; expected public, owner"),
        (("MG1", "market", 1, 1, []), "'MG1.market' is in the layout already"),
    ],
)
def test_a_block_that_cannot_be_is_refused_and_reserves_nothing(
    layout_class: type[Any], block: tuple[Any, ...], message: str
) -> None:
    layout = layout_class()
    layout.add_block("MG1", "market", 2, 2, ["public"])
    with pytest.raises(InvalidArgumentError, match=message):
        layout.add_block(*block)
    assert (len(layout), layout.n_slot) == (1, 2)


@pytest.mark.parametrize("layout_class", LAYOUTS)
def test_without_a_name_only_the_level_counts(layout_class: type[Any]) -> None:
    layout = layout_class()
    layout.add_block("gen1", "mine", 1, 1, ["owner"])
    layout.add_block("gen1", "above", 1, 1, ["upper_level"])
    for nobody in (None, ""):
        assert layout.visible_slots(nobody, 1).tolist() == []
        assert layout.visible_slots(nobody, 2).tolist() == [1]
