"""A proxy shows the state as it was, and of it what one may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heron.agents import FieldAgent, ProxyAgent
from heron.core.feature import FeatureBlock
from heron.core.feature_table import FeatureTable
from heron.core.state import CoordinatorAgentState, FieldAgentState, State
from heron.errors import ConfigError, HeronError, InvalidArgumentError


@dataclass
class Power(FeatureBlock):
    visibility: ClassVar[list[str]] = ["owner", "upper_level"]
    p_MW: float = 1.0
    q_MVAr: float = 2.0


@dataclass
class Secret(FeatureBlock):
    key: float = 7.0


@dataclass
class Price(FeatureBlock):
    visibility: ClassVar[list[str]] = ["public"]
    price: float = 50.0


class Uncopyable:
    """Proves that what is hidden is never copied."""

    def __deepcopy__(self, memo: dict) -> Any:
        raise AssertionError("copied")


def states() -> dict[str, State]:
    made: dict[str, State] = {"MG1": CoordinatorAgentState("MG1")}
    made["MG1"].add_feature("market", Price())
    for name in ("MG1/gen1", "MG1/ess1"):
        made[name] = FieldAgentState(name)
        made[name].add_feature("power", Power())
        made[name].add_feature("secret", Secret())
    return made


def plain(seen: Any) -> Any:
    """Return arrays as lists, to compare."""
    if isinstance(seen, dict):
        return {key: plain(value) for key, value in seen.items()}
    return seen.tolist() if isinstance(seen, np.ndarray) else seen


def recording(made: dict[str, State]) -> tuple[ProxyAgent, Any]:
    proxy = ProxyAgent(history_length=3)
    return proxy, lambda time_s: proxy.update_state(made, time_s)


def on_a_table(made: dict[str, State], backend: str = "native") -> tuple[ProxyAgent, Any]:
    table = FeatureTable(n_lane=2, n_history=3, backend=backend)  # type: ignore[arg-type]
    for name, state in made.items():
        state.bind(table, name)
    table.freeze()
    proxy = ProxyAgent()
    proxy.use_table(table)
    return proxy, table.snapshot_all


SOURCES = pytest.mark.parametrize(
    "make",
    [recording, on_a_table, lambda made: on_a_table(made, "reference")],
    ids=["recorded", "table", "reference table"],
)


# --- the past --------------------------------------------------------------------------------


@SOURCES
def test_the_newest_snapshot_not_younger_than_the_time_is_shown(make):
    made = states()
    proxy, snapshot = make(made)
    for time_s, power in ((0.0, 1.0), (60.0, 2.0), (120.0, 3.0)):
        made["MG1/gen1"].power.p_MW = power
        snapshot(time_s)
    made["MG1/gen1"].power.p_MW = 99.0  # the present is no snapshot

    def shown(at_time: float | None) -> tuple[float, float | None]:
        seen = proxy.get_state_for_agent("MG1/gen1", 1, "MG1/gen1", at_time)
        return seen["MG1/gen1"]["power"][0], seen.time

    assert shown(0.0) == (1.0, 0.0)
    assert shown(59.999) == (1.0, 0.0)
    assert shown(60.0) == (2.0, 60.0)
    assert shown(1e9) == shown(None) == (3.0, 120.0)
    assert proxy.get_state_at_time(119.0)["MG1/gen1"]["power"].tolist() == [2.0, 2.0]


@SOURCES
def test_before_the_first_snapshot_nothing_is_shown_but_zeros(make):
    made = states()
    proxy, snapshot = make(made)
    snapshot(60.0)
    seen = proxy.get_state_for_agent("MG1/gen1", 1, at_time=59.0)
    assert seen.is_stale
    assert seen.time is None
    assert plain(seen) == {
        "MG1": {"market": [0.0]},
        "MG1/gen1": {"power": [0.0, 0.0], "secret": [0.0]},
    }
    empty = proxy.get_state_at_time(59.0)
    assert empty == {}
    assert empty.is_stale
    assert not proxy.get_state_at_time(60.0).is_stale


@SOURCES
def test_what_is_forgotten_is_stale(make):
    made = states()
    proxy, snapshot = make(made)
    for time_s in (0.0, 1.0, 2.0, 3.0):
        snapshot(time_s)  # three are kept
    assert proxy.get_state_at_time(0.5).is_stale
    assert not proxy.get_state_at_time(1.0).is_stale


def test_without_any_snapshot_the_answer_is_empty_and_stale():
    seen = ProxyAgent().get_state_for_agent("MG1", 2)
    assert seen == {}
    assert seen.is_stale


def test_a_second_state_of_one_time_replaces_the_first():
    proxy = ProxyAgent()
    proxy.update_state({"price": 1.0})
    proxy.update_state({"price": 2.0})
    assert proxy.get_state_at_time(0.0) == {"price": 2.0}
    proxy.update_state({"price": 3.0}, 5.0)
    proxy.update_state({"price": 4.0})
    assert proxy.get_state_at_time(4.9) == {"price": 2.0}
    assert proxy.get_state_at_time(5.0) == {"price": 4.0}


@pytest.mark.parametrize("time_s", [np.nan, np.inf, 4.0])
def test_a_time_that_cannot_be_is_refused_and_nothing_kept(time_s):
    proxy = ProxyAgent()
    proxy.update_state({"price": 1.0}, 5.0)
    with pytest.raises(InvalidArgumentError, match=r"time is"):
        proxy.update_state({"price": 2.0}, time_s)
    assert proxy.get_state_at_time(1e9) == {"price": 1.0}


def test_reset_lets_time_start_anew():
    proxy = ProxyAgent()
    proxy.update_state({"price": 1.0}, 5.0)
    proxy.reset()
    assert proxy.get_state_at_time(9.0).is_stale
    proxy.update_state({"price": 2.0}, 0.0)
    assert proxy.get_state_at_time(9.0) == {"price": 2.0}


def test_neither_later_changes_nor_the_reader_touch_a_snapshot():
    proxy, values = ProxyAgent(), np.array([1.0, 2.0])
    proxy.update_state({"a": {"x": values}}, 0.0)
    values[:] = 9.0
    proxy.get_state_at_time(0.0)["a"]["x"][:] = 8.0
    assert proxy.get_state_at_time(0.0)["a"]["x"].tolist() == [1.0, 2.0]


# --- who may see what ------------------------------------------------------------------------


@SOURCES
def test_visibility_is_that_of_the_features(make):
    proxy, snapshot = make(states())
    snapshot(0.0)
    assert {o: list(f) for o, f in proxy.get_state_for_agent("MG1", 2).items()} == {
        "MG1": ["market"],
        "MG1/gen1": ["power"],
        "MG1/ess1": ["power"],
    }
    assert {o: list(f) for o, f in proxy.get_state_for_agent("MG1/ess1", 1).items()} == {
        "MG1": ["market"],
        "MG1/ess1": ["power", "secret"],
    }
    assert list(proxy.get_state_for_agent("MG2", 2, owner_id="MG1/gen1")) == ["MG1/gen1"]
    assert proxy.get_state_for_agent("MG2/gen1", 1, owner_id="MG1/gen1") == {}


@SOURCES
def test_a_rule_takes_the_place_of_visibility(make):
    proxy, snapshot = make(states())
    snapshot(0.0)

    def shown() -> dict[str, list[str]]:
        return {o: list(f) for o, f in proxy.get_state_for_agent("MG1", 2).items()}

    before = shown()
    proxy.set_visibility_rules("MG1", ["secret"])
    assert shown() == {"MG1/gen1": ["secret"], "MG1/ess1": ["secret"]}
    proxy.set_visibility_rules("MG1", ["MG1/gen1.power", "MG1.*"])
    assert shown() == {"MG1": ["market"], "MG1/gen1": ["power"]}
    proxy.set_visibility_rules("MG1", [])
    assert shown() == {}
    proxy.set_visibility_rules("MG1", ["*"])
    assert [len(features) for features in shown().values()] == [1, 2, 2]
    proxy.set_visibility_rules("MG1", None)
    assert shown() == before


def test_rules_may_be_given_at_first():
    proxy = ProxyAgent(visibility_rules={"sensor": ["reading"]})
    proxy.update_state({"reading": 1.0, "other": 2.0}, 0.0)
    assert proxy.get_state_for_agent("sensor", 1) == {"reading": 1.0}
    assert proxy.get_state_for_agent("stranger", 1) == {"reading": 1.0, "other": 2.0}
    with pytest.raises(ConfigError, match=r"expected a list such as \['reading'\]"):
        proxy.set_visibility_rules("sensor", "reading")


def test_values_that_say_nothing_are_their_owners_alone():
    proxy = ProxyAgent()
    proxy.update_state({"a": {"x": 1.0, "power": Power()}, "price": 5.0}, 0.0)
    assert plain(proxy.get_state_for_agent("a", 1)) == {
        "a": {"x": 1.0, "power": [1.0, 2.0]},
        "price": 5.0,
    }
    assert plain(proxy.get_state_for_agent("above", 2)) == {
        "a": {"power": [1.0, 2.0]},
        "price": 5.0,
    }
    assert proxy.get_state_for_agent("a", 1, owner_id="a")["a"]["x"] == 1.0
    assert "price" not in proxy.get_state_for_agent("a", 1, owner_id="a")


def test_what_is_hidden_is_never_copied():
    proxy = ProxyAgent()
    proxy.update_state({"a": {"x": 1.0}}, 0.0)
    ((_, features),) = proxy.history._snapshots  # type: ignore[attr-defined]
    features.append(type(features[0])("a", 1, "hidden", ("system",), Uncopyable()))
    assert proxy.get_state_for_agent("a", 1) == {"a": {"x": 1.0}}
    with pytest.raises(AssertionError, match="copied"):
        proxy.get_state_for_agent("system", 3)


def test_a_table_gathers_only_what_may_be_seen():
    table = FeatureTable(n_history=1)
    made = states()
    for name, state in made.items():
        state.bind(table, name)
    table.freeze()
    table.snapshot_all(0.0)
    proxy = ProxyAgent()
    proxy.use_table(table)
    proxy.get_state_for_agent("MG1", 2)
    expected = table.visible_slots("MG1", 2)
    assert table.observer(0).tolist() == expected.tolist()
    for _ in range(3):
        proxy.get_state_for_agent("MG1", 2)
    with pytest.raises(InvalidArgumentError):
        table.observer(1)  # a request is compiled once


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_slots_are_shown_as_they_were_less_what_a_rule_hides(backend):
    made = states()
    proxy, snapshot = on_a_table(made, backend)
    table = proxy.history.table
    names = ["MG1/ess1.power.q_MVAr", "MG1/ess1.secret.key", "MG1.market.price"]
    slots = np.array([table.slot_names.index(name) for name in names], np.int32)
    snapshot(0.0)
    made["MG1"].market.price = 60.0
    snapshot(60.0)
    made["MG1"].market.price = 70.0
    for at_time, expected in ((None, 60.0), (59.0, 50.0)):
        values, is_shown = proxy.get_slots_for_agent("MG1", 2, slots, at_time)
        assert values.tolist() == [2.0, 7.0, expected]
        assert is_shown.all()
    values, is_shown = proxy.get_slots_for_agent("MG1", 2, slots, -1.0)
    assert not values.any()
    assert not is_shown.any()
    proxy.set_visibility_rules("MG1", ["power"])
    table.values[slots[1:]] = np.nan
    snapshot(120.0)
    values, is_shown = proxy.get_slots_for_agent("MG1", 2, slots)
    assert values.tolist() == [2.0, 0.0, 0.0]
    assert is_shown.tolist() == [True, False, False]
    with pytest.raises(HeronError, match="use_table"):
        ProxyAgent().get_slots_for_agent("MG1", 2, slots)


@given(
    tags=st.lists(st.sampled_from(["public", "owner", "upper_level", "system"]), unique=True),
    requestor=st.sampled_from([("MG1/gen1", 1), ("MG1/ess1", 1), ("MG1", 2), ("DSO", 3)]),
    owner=st.sampled_from([None, "MG1/gen1", "MG1"]),
    times=st.lists(st.floats(0.0, 100.0), unique=True, max_size=5).map(sorted),
    at_time=st.none() | st.floats(-10.0, 110.0),
)
def test_recorded_and_table_show_the_same(tags, requestor, owner, times, at_time):
    @dataclass
    class Tagged(FeatureBlock):
        visibility: ClassVar[list[str]] = tags
        x: float = 0.0

    made = states()
    made["MG1/gen1"].add_feature("tagged", Tagged())
    made["MG1"].add_feature("tagged", Tagged())
    recorder = ProxyAgent(history_length=3)
    proxy, snapshot = on_a_table(made)
    for k, time_s in enumerate(times):
        made["MG1/gen1"].tagged.x = made["MG1"].market.price = float(k)
        recorder.update_state(made, time_s)
        snapshot(time_s)
    answers = [p.get_state_for_agent(*requestor, owner, at_time) for p in (recorder, proxy)]
    if times:
        assert plain(answers[0]) == plain(answers[1])
        assert answers[0].time == answers[1].time
    else:
        assert all(answer.is_stale for answer in answers)


# --- an agent like others --------------------------------------------------------------------


def test_a_proxy_is_an_agent_of_level_zero_that_does_nothing():
    proxy = ProxyAgent()
    assert (proxy.agent_id, proxy.level) == ("proxy_agent", 0)
    assert proxy.observe({"price": 1.0}).vector().tolist() == [1.0]
    assert proxy.act(None) is None
    proxy.tick(None, 5.0)
    assert proxy.current_time == 5.0


def test_agents_ask_for_what_they_may_see():
    proxy = ProxyAgent()
    proxy.update_state({"a": {"x": 1.0}, "b": {"x": 2.0}}, 0.0)
    assert FieldAgent("a").request_state_from_proxy(proxy) == {"a": {"x": 1.0}}
    assert FieldAgent("a").request_state_from_proxy(proxy, owner_id="b", at_time=0.0) == {}


def test_a_history_needs_a_length():
    with pytest.raises(ConfigError, match="history_length is 0"):
        ProxyAgent(history_length=0)


def test_a_table_without_history_or_a_state_for_one_is_refused():
    with pytest.raises(ConfigError, match="keeps no history"):
        ProxyAgent().use_table(FeatureTable())
    proxy, _ = on_a_table(states())
    assert not proxy.is_recording
    with pytest.raises(HeronError, match="take snapshots of that"):
        proxy.update_state({}, 0.0)
