"""Feature blocks as users write and use them."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from dataclasses import FrozenInstanceError, dataclass, field
from typing import ClassVar

import cloudpickle
import numpy as np
import pytest

from heron.core.feature import FeatureBlock, FeatureProvider
from heron.errors import ConfigError


@dataclass
class Electrical(FeatureBlock):
    visibility: ClassVar[list[str]] = ["owner", "upper_level"]
    p_MW: float = 0.0
    q_MVAr: float = 0.0
    n_unit: int = 1
    is_online: bool = True


@dataclass
class Flows(FeatureBlock):
    p_MW: np.ndarray = field(default_factory=lambda: np.array([0.0]))
    loading_pct: np.ndarray = field(default_factory=lambda: np.array([0.0]))
    max_loading: float = 0.0


@dataclass
class Voltages(FeatureBlock):
    vm_pu: np.ndarray = field(default_factory=lambda: np.array([1.0]))
    v_min: float = 1.0
    v_max: float = 1.0


@dataclass
class Reversed(FeatureBlock):
    """Gives its own form of the array."""

    a: float = 1.0
    b: float = 2.0

    def to_array(self) -> np.ndarray:
        return np.array([self.b, self.a])

    @classmethod
    def from_array(cls, arr: np.ndarray) -> Reversed:
        return cls(a=arr[1], b=arr[0])


# --- values ----------------------------------------------------------------------------------


def test_values_are_read_back_as_the_declared_types():
    block = Electrical(p_MW=np.float32(1.5), n_unit=3.0, is_online=np.bool_(False))
    values = (block.p_MW, block.n_unit, block.is_online)
    assert values == (1.5, 3, False)
    assert [type(v) for v in values] == [float, int, bool]


def test_the_array_holds_the_fields_in_order_with_arrays_flattened():
    block = Flows(p_MW=[1.0, 2.0], loading_pct=[3.0, 4.0, 5.0], max_loading=6.0)
    assert block.to_array().tolist() == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert block.to_array().dtype == np.float64
    assert block.size == 6


def test_the_array_is_a_copy():
    block = Electrical()
    block.to_array()[0] = 9.0
    assert block.p_MW == 0.0


def test_names_name_every_value():
    block = Voltages(vm_pu=[1.0, 0.9])
    assert block.names() == ["vm_pu[0]", "vm_pu[1]", "v_min", "v_max"]


def test_a_two_dimensional_array_keeps_its_shape_and_names_both_indices():
    block = Voltages(vm_pu=np.arange(4.0).reshape(2, 2))
    block.v_min = 0.5
    assert block.vm_pu.shape == (2, 2)
    assert block.names()[:4] == ["vm_pu[0,0]", "vm_pu[0,1]", "vm_pu[1,0]", "vm_pu[1,1]"]
    assert block.to_array().tolist() == [0.0, 1.0, 2.0, 3.0, 0.5, 1.0]


def test_vector_is_what_an_overridden_to_array_gives():
    assert Reversed(a=1.0, b=2.0).vector().tolist() == [2.0, 1.0]
    assert Reversed.from_array(np.array([5.0, 4.0])).a == 4.0


@pytest.mark.parametrize(
    "block",
    [Electrical(1.0, -2.0, 3, False), Voltages(vm_pu=[0.9, 1.0, 1.1], v_min=0.9), Flows()],
)
def test_from_array_undoes_to_array(block):
    assert type(block).from_array(block.to_array()) == block


def test_from_array_takes_the_shapes_of_several_arrays():
    block = Flows(p_MW=[1.0, 2.0], loading_pct=[3.0])
    shapes = {"p_MW": (2,), "loading_pct": (1,)}
    assert Flows.from_array(block.to_array(), shapes=shapes) == block


def test_from_array_refuses_a_wrong_number_of_values():
    with pytest.raises(ValueError, match="got 3 values, expected 4"):
        Electrical.from_array([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="pass shapes="):
        Flows.from_array(np.zeros(8))


def test_from_dict_undoes_to_dict():
    block = Voltages(vm_pu=[0.9, 1.0], v_min=0.9)
    assert Voltages.from_dict(block.to_dict()) == block
    assert block.to_dict()["vm_pu"] is not block.vm_pu


def test_a_field_outside_the_constructor_is_set_by_from_dict():
    @dataclass
    class Derived(FeatureBlock):
        soc: float = 0.5
        energy_MWh: float = field(default=0.0, init=False)

        def __post_init__(self) -> None:
            self.energy_MWh = 4.0 * self.soc

    assert Derived(0.25).energy_MWh == 1.0
    assert Derived.from_dict({"energy_MWh": 3.0}).to_dict() == {"soc": 0.5, "energy_MWh": 3.0}


def test_set_values_refuses_an_unknown_field_and_names_the_nearest():
    with pytest.raises(ConfigError, match="unknown field 'p_mw'; did you mean 'p_MW'"):
        Electrical().set_values(p_mw=1.0)


@pytest.mark.parametrize("is_bound", [False, True])
def test_set_values_changes_nothing_if_one_value_is_refused(is_bound):
    block = Voltages(vm_pu=[1.0, 1.0])
    if is_bound:
        block.bind(np.zeros(block.size))
    with pytest.raises(TypeError, match=r"Voltages\.v_max is 'high'"):
        block.set_values(vm_pu=[0.5, 0.5], v_min=0.5, v_max="high")
    assert block == Voltages(vm_pu=[1.0, 1.0])


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [("p_MW", None, TypeError), ("n_unit", 2.5, ValueError), ("n_unit", np.inf, ValueError)],
)
def test_a_scalar_of_the_wrong_kind_is_refused(name, value, error):
    with pytest.raises(error, match=rf"Electrical\.{name} is"):
        setattr(Electrical(), name, value)


def test_an_unbound_array_may_change_its_length_and_the_rest_stays():
    block = Flows(p_MW=[1.0], loading_pct=[2.0], max_loading=3.0)
    block.p_MW = [7.0, 8.0, 9.0]
    assert block.to_array().tolist() == [7.0, 8.0, 9.0, 2.0, 3.0]
    block.loading_pct *= 2.0
    assert block.to_array().tolist() == [7.0, 8.0, 9.0, 4.0, 3.0]


def test_an_assigned_array_is_copied_and_the_one_handed_out_is_a_view():
    given = np.array([1.0, 2.0])
    block = Voltages(vm_pu=given)
    given[0] = 5.0
    block.vm_pu[1] = 6.0
    assert block.to_array()[:2].tolist() == [1.0, 6.0]


# --- classes ---------------------------------------------------------------------------------


def test_metadata_has_the_documented_defaults():
    assert Voltages.visibility == ["owner"]
    assert Voltages().feature_name == "Voltages"
    assert FeatureProvider is FeatureBlock


def test_a_class_may_choose_its_feature_name():
    @dataclass
    class Named(FeatureBlock):
        feature_name: ClassVar[str] = "named"
        x: float = 0.0

    assert Named().feature_name == "named"
    assert Named().names() == ["x"]


def test_metadata_declared_as_fields_are_no_values():
    @dataclass
    class Loose(FeatureBlock):
        visibility: list[str] = field(default_factory=lambda: ["public"])
        x: float = 2.0

    assert Loose().names() == ["x"]
    assert Loose().is_observable_by("a", 1, "b", 1)


def test_a_subclass_adds_fields_behind_those_it_inherits():
    @dataclass
    class More(Electrical):
        v_pu: float = 1.0

    Electrical()
    assert More(p_MW=2.0).to_array().tolist() == [2.0, 0.0, 1.0, 1.0, 1.0]


def test_a_field_redeclared_without_a_default_keeps_the_inherited_one():
    Electrical()  # its properties are in place now

    @dataclass
    class Again(Electrical):
        p_MW: float

    assert Again().p_MW == 0.0


def test_a_plain_subclass_of_a_dataclass_keeps_its_fields():
    class Plain(Electrical):
        def total(self) -> float:
            return self.p_MW + self.q_MVAr

    assert Plain(1.0, 2.0).total() == 3.0


@pytest.mark.parametrize("options", [{"slots": True}, {"kw_only": True}, {"frozen": True}])
def test_dataclass_options_work(options):
    block_class = dataclass(**options)(
        type("Sized", (FeatureBlock,), {"__annotations__": {"x": "float"}, "x": 1.0})
    )
    block = block_class(x=3.0)
    assert block.to_array().tolist() == [3.0]
    assert pickle.loads(pickle.dumps(Electrical(1.0))) == Electrical(1.0)


def test_a_class_of_a_script_travels_to_other_processes():
    source = (
        "from dataclasses import dataclass, field\n"
        "import numpy as np\n"
        "from heron.core.feature import FeatureBlock\n"
        "@dataclass\n"
        "class Block(FeatureBlock):\n"
        "    p_MW: float\n"
        "    v: np.ndarray = field(default_factory=lambda: np.ones(2))\n"
    )
    names = {"__name__": "__main__"}  # which cloudpickle, as Ray uses it, takes along by value
    exec(source, names)
    names["Block"](1.0)  # makes the layout
    program = (
        "import pickle, sys\n"
        "block = pickle.load(sys.stdin.buffer)\n"
        "print(block(2.0).to_array().tolist(), block.from_array([3.0, 4.0]).names())\n"
    )
    sent = cloudpickle.dumps(names["Block"])
    run = subprocess.run([sys.executable, "-c", program], input=sent, capture_output=True)
    assert run.stdout.decode().strip() == "[2.0, 1.0, 1.0] ['p_MW', 'v[0]']", run.stderr


def test_a_frozen_block_refuses_assignment():
    @dataclass(frozen=True)
    class Frozen(FeatureBlock):
        x: float = 1.0

    block = Frozen()
    with pytest.raises(FrozenInstanceError):
        block.x = 2.0
    assert block.x == 1.0


def test_a_class_without_the_decorator_is_told_so():
    class Bare(FeatureBlock):
        x: float = 0.0

    with pytest.raises(TypeError, match="Bare declares x but is no dataclass"):
        Bare()


def test_a_field_that_is_no_number_is_refused():
    @dataclass
    class Text(FeatureBlock):
        phase: str = "a"

    with pytest.raises(TypeError, match=r"Text\.phase is annotated .*str"):
        Text()


def test_a_field_that_hides_a_method_is_refused():
    @dataclass
    class Hiding(FeatureBlock):
        size: float = 0.0

    with pytest.raises(TypeError, match="rename the field"):
        Hiding()


# --- binding ---------------------------------------------------------------------------------


def test_a_bound_block_reads_and_writes_the_given_array():
    table = np.full(10, -1.0)
    block = Voltages(vm_pu=[0.9, 1.1], v_min=0.9, v_max=1.1)
    block.bind(table[3:7])
    assert table[3:7].tolist() == [0.9, 1.1, 0.9, 1.1]
    block.vm_pu = [0.8, 1.2]
    block.v_min = 0.8
    table[6] = 1.2
    assert (block.vm_pu.tolist(), block.v_min, block.v_max) == ([0.8, 1.2], 0.8, 1.2)
    assert table[:3].tolist() == [-1.0] * 3
    assert table[7:].tolist() == [-1.0] * 3


def test_a_block_can_be_bound_to_one_lane_of_a_table():
    table = np.zeros((4, 3))
    block = Voltages(vm_pu=[0.9, 1.1])
    block.bind(table[:, 1])
    block.v_max = 1.3
    assert table[:, 1].tolist() == [0.9, 1.1, 1.0, 1.3]
    assert not table[:, [0, 2]].any()


def test_an_array_of_two_dimensions_keeps_its_shape_in_one_lane_of_a_table():
    table = np.zeros((6, 9))
    block = Voltages(vm_pu=np.arange(4.0).reshape(2, 2))
    block.bind(table[:, 3])
    block.vm_pu[1, 0] = 7.0
    assert table[:, 3].tolist() == [0.0, 1.0, 7.0, 3.0, 1.0, 1.0]
    assert block.vm_pu.tolist() == [[0.0, 1.0], [7.0, 3.0]]
    assert table.sum() == 13.0


def test_a_bound_array_keeps_its_length():
    block = Voltages(vm_pu=[0.9, 1.1])
    block.bind(np.zeros(4))
    with pytest.raises(ValueError, match=r"vm_pu has shape \(3,\), expected \(2,\)"):
        block.vm_pu = [1.0, 1.0, 1.0]


@pytest.mark.parametrize("values", [np.zeros(3), np.zeros(4, dtype=np.float32), np.zeros((2, 2))])
def test_binding_refuses_an_array_of_wrong_size_or_type(values):
    with pytest.raises(ValueError, match=r"expected float64 of shape \(4,\)"):
        Electrical().bind(values)


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda b: pickle.loads(pickle.dumps(b))]
)
def test_a_copy_is_equal_unbound_and_independent(duplicate):
    table = np.zeros(4)
    block = Voltages(vm_pu=[0.9, 1.1])
    block.bind(table)
    twin = duplicate(block)
    assert twin == block
    assert not twin.is_bound
    twin.v_min = 0.1
    twin.vm_pu[0] = 0.2
    assert table.tolist() == [0.9, 1.1, 1.0, 1.0]


def test_equality_compares_kind_shape_and_values():
    assert Flows(p_MW=[1.0, 2.0]) == Flows(p_MW=[1.0, 2.0])
    assert Flows(p_MW=[1.0, 2.0]) != Flows(p_MW=[1.0, 3.0])
    assert Flows(p_MW=[0.0, 0.0]) != Flows(loading_pct=[0.0, 0.0])
    assert Voltages() != Flows()


# --- visibility ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "who", "level", "allowed"),
    [
        (["public"], "other", 1, True),
        (["owner"], "gen1", 1, True),
        (["owner"], "MG1", 2, False),
        (["upper_level"], "MG1", 2, True),
        (["upper_level"], "DSO", 3, False),
        (["upper_level"], "gen1", 1, False),
        (["system"], "DSO", 3, True),
        (["system"], "MG1", 2, False),
        (["owner", "system"], "DSO", 3, True),
        ([], "gen1", 1, False),
    ],
)
def test_one_tag_that_allows_it_is_enough(tags, who, level, allowed):
    block = Voltages()
    block.visibility = tags
    assert block.is_observable_by(who, level, "gen1", 1) is allowed


def test_an_unknown_tag_is_an_error():
    block = Voltages()
    block.visibility = ["owners"]
    with pytest.raises(ConfigError, match="did you mean 'owner'"):
        block.is_observable_by("gen1", 1, "gen1", 1)
