"""Actions with a continuous and a discrete part."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium import spaces

from heron.core.action import Action, action_dim
from heron.errors import ConfigError


@pytest.fixture
def action() -> Action:
    action = Action()
    action.set_specs(dim_c=2, dim_d=2, ncats=[3, 5], range=([0.0, -4.0], [10.0, 4.0]))
    return action


@pytest.mark.parametrize(
    ("space", "n"),
    [
        (spaces.Box(-1.0, 1.0, (3,)), 3),
        (spaces.Discrete(7), 1),
        (spaces.MultiDiscrete([3, 4]), 2),
        (spaces.MultiBinary(4), 4),
        (spaces.Dict(c=spaces.Box(-1.0, 1.0, (2,)), d=spaces.MultiDiscrete([3])), 3),
        (spaces.Tuple([spaces.Discrete(2), spaces.Discrete(3)]), 2),
    ],
)
def test_action_dim_counts_the_numbers_of_a_flat_action(space, n):
    assert action_dim(space) == n


@pytest.mark.parametrize("space", [spaces.Box(-1.0, 1.0, (2, 2)), spaces.Text(3)])
def test_action_dim_refuses_a_space_without_a_flat_form(space):
    with pytest.raises(TypeError, match="no flat form"):
        action_dim(space)


def test_a_new_specification_starts_at_the_neutral_value():
    action = Action()
    action.set_specs(dim_c=2, dim_d=1, ncats=3, range=([-1.0, 2.0], [1.0, 5.0]))
    assert action.c.tolist() == [0.0, 2.0]
    assert action.d.tolist() == [0]
    assert (action.c.dtype, action.d.dtype) == (np.float32, np.int32)


def test_values_are_clipped_to_range_and_categories(action):
    action.set_values(c=[11.0, -9.0], d=[7, -1])
    assert action.c.tolist() == [10.0, -4.0]
    assert action.d.tolist() == [2, 0]


def test_values_come_as_vector_mapping_action_or_parts(action):
    wanted = [3.0, 1.0, 2.0, 4.0]
    other = action.copy()
    for given in ([3, 1, 2, 4], {"c": [3, 1], "d": [2, 4]}):
        action.reset()
        action.set_values(given)
        assert action.vector().tolist() == wanted
    other.set_values(action)
    assert other.vector().tolist() == wanted
    action.set_values(d=[0, 0])
    assert action.vector().tolist() == [3.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    "given", [[np.nan, 0, 0, 0], [np.inf, 0, 0, 0], [1.0, 2.0], {"c": [1.0], "d": [0, 0]}]
)
def test_a_refused_action_changes_nothing(action, given):
    action.set_values([5, 1, 1, 1])
    with pytest.raises(ValueError, match="expected"):
        action.set_values(given)
    assert action.vector().tolist() == [5.0, 1.0, 1.0, 1.0]


def test_an_unknown_part_is_refused(action):
    with pytest.raises(ConfigError, match="parts 'c' and 'd'"):
        action.set_values({"e": [1.0]})


def test_scale_and_unscale_map_between_the_range_and_one(action):
    action.set_values(c=[2.5, 0.0])
    assert action.scale().tolist() == [-0.5, 0.0]
    assert action.unscale([1.0, -0.5]).tolist() == [10.0, -2.0]
    assert action.c.tolist() == [10.0, -2.0]
    assert action.unscale([-3.0, 0.0]).tolist() == [0.0, 0.0]


def test_a_range_of_one_point_scales_to_zero():
    action = Action.from_vector([2.0], dim_c=1, range=(2.0, 2.0))
    assert action.scale().tolist() == [0.0]
    assert action.unscale([0.7]).tolist() == [2.0]


def test_an_infinite_range_cannot_be_scaled():
    action = Action.from_vector([2.0], dim_c=1, range=(0.0, np.inf))
    with pytest.raises(ConfigError, match="infinite range"):
        action.scale()


def test_clip_brings_written_values_within_bounds(action):
    action.c[0] = 99.0
    action.d[1] = 99
    assert action.clip().vector().tolist() == [10.0, 0.0, 0.0, 4.0]


def test_a_copy_is_independent(action):
    twin = action.copy()
    twin.set_values([1, 1, 1, 1])
    assert action.vector().tolist() == [0.0, 0.0, 0.0, 0.0]
    assert twin.space == action.space


def test_from_vector_undoes_vector(action):
    action.set_values([3, 1, 2, 4])
    twin = Action.from_vector(action.vector(), 2, 2, action.ncats, action.range)
    assert twin.vector().tolist() == action.vector().tolist()


@pytest.mark.parametrize(
    ("dim_c", "dim_d", "kind"),
    [(2, 0, spaces.Box), (0, 2, spaces.MultiDiscrete), (1, 1, spaces.Dict)],
)
def test_the_space_has_the_parts_that_exist(dim_c, dim_d, kind):
    action = Action()
    action.set_specs(dim_c, dim_d, ncats=3)
    assert isinstance(action.space, kind)
    assert action.space is action.space


def test_an_action_without_components_has_no_space():
    with pytest.raises(ConfigError, match="call set_specs first"):
        _ = Action().space


@pytest.mark.parametrize(
    "space",
    [
        spaces.Box(np.array([0.0, -2.0], np.float32), np.array([1.0, 2.0], np.float32)),
        spaces.MultiDiscrete([3, 4], dtype=np.int32),
        spaces.Dict(c=spaces.Box(-1.0, 1.0, (2,)), d=spaces.MultiDiscrete([3], dtype=np.int32)),
    ],
)
def test_from_gym_space_gives_the_same_space_back(space):
    assert Action.from_gym_space(space).space == space


def test_a_discrete_space_becomes_one_category():
    assert Action.from_gym_space(spaces.Discrete(4)).ncats == [4]


@pytest.mark.parametrize(
    "space", [spaces.Discrete(4, start=1), spaces.Text(3), spaces.Box(-1.0, 1.0, (2, 2))]
)
def test_from_gym_space_refuses_what_an_action_cannot_hold(space):
    with pytest.raises(TypeError):
        Action.from_gym_space(space)


def test_samples_lie_in_the_space_and_repeat_by_seed(action):
    first = action.sample(seed=3).vector()
    second = action.sample().vector()
    assert action.copy().sample(seed=3).vector().tolist() == first.tolist()
    assert first.tolist() != second.tolist()
    assert action.space.contains({"c": action.c, "d": action.d})


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        ({"dim_d": 1}, "needs ncats"),
        ({"dim_d": 1, "ncats": 0}, "at least 1 category"),
        ({"dim_d": 2, "ncats": [1, 2, 3]}, r"ncats has shape \(3,\)"),
        ({"dim_c": 1, "range": (1.0, -1.0)}, "no lower bound above"),
        ({"dim_c": -1}, "none below 0"),
    ],
)
def test_an_impossible_specification_is_refused(specs, message):
    with pytest.raises(ConfigError, match=message):
        Action().set_specs(**specs)
