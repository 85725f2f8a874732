"""Faults as configuration, and how often they happen."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from heron import _core
from heron.errors import ConfigError
from heron.messaging import MessageFaults, Outage

N_MESSAGE = 4000


def fates(faults: MessageFaults, seed: int = 0, lane: int = 0, sender: int = 0) -> list[Any]:
    return [_core.message_fate(faults, seed, lane, sender, i, 0.0) for i in range(N_MESSAGE)]


def assert_within_binomial_interval(n_event: int, probability: float) -> None:
    """Demand that the count lies in the central 99.9 % of its distribution."""
    low, high = stats.binom.interval(0.999, N_MESSAGE, probability)
    assert low <= n_event <= high


@pytest.mark.parametrize("probability", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("sender", [0, 3])
def test_as_many_messages_are_lost_as_configured(probability: float, sender: int) -> None:
    lost = [fate[3] for fate in fates(MessageFaults(loss=probability), sender=sender)]
    assert_within_binomial_interval(sum(lost), probability)


@pytest.mark.parametrize("probability", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("lane", [0, 1])
def test_as_many_messages_are_duplicated_as_configured(probability: float, lane: int) -> None:
    copies = [fate[0] for fate in fates(MessageFaults(duplication=probability), lane=lane)]
    assert set(copies) == {1, 2}
    assert_within_binomial_interval(copies.count(2), probability)


def test_as_many_messages_are_held_back_as_configured_for_a_uniform_time() -> None:
    faults = MessageFaults(duplication=1.0, reordering=0.3, reordering_delay=5.0)
    drawn = fates(faults)
    for copy in range(2):
        is_held = np.array([fate[1][copy] for fate in drawn])
        held_back_s = np.array([fate[2][copy] for fate in drawn])
        assert_within_binomial_interval(int(is_held.sum()), 0.3)
        assert not held_back_s[~is_held].any()
        assert stats.kstest(held_back_s[is_held], stats.uniform(0.0, 5.0).cdf).pvalue > 0.001


@pytest.mark.parametrize(
    "others", [{"sender": 1}, {"lane": 1}, {"seed": 1}], ids=["sender", "lane", "seed"]
)
def test_senders_lanes_and_seeds_are_independent(others: dict[str, int]) -> None:
    faults = MessageFaults(loss=0.5)
    one, other = fates(faults), fates(faults, **others)
    both = sum(a[3] and b[3] for a, b in zip(one, other, strict=True))
    assert_within_binomial_interval(both, 0.25)


def test_loss_and_duplication_are_independent() -> None:
    lost = [fate[3] for fate in fates(MessageFaults(loss=0.5))]
    twice = [fate[0] == 2 for fate in fates(MessageFaults(duplication=0.5))]
    both = sum(a and b for a, b in zip(lost, twice, strict=True))
    assert_within_binomial_interval(both, 0.25)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MessageFaults(loss=1.5), r"loss is 1\.5, expected a probability from 0 to 1"),
        (lambda: MessageFaults(duplication=-0.1), r"duplication is -0\.1, expected a probability"),
        (lambda: MessageFaults(reordering=math.nan), "reordering is nan, expected a number"),
        (lambda: MessageFaults(loss="0.1"), r"loss is '0\.1', expected a number"),
        (lambda: MessageFaults(loss=True), "loss is True, expected a number"),
        (lambda: MessageFaults(reordering_delay=-1), "reordering_delay is -1, expected a finite"),
        (
            lambda: MessageFaults(reordering_delay=math.inf),
            "reordering_delay is inf, expected a finite",
        ),
        (lambda: Outage(5.0, 5.0), r"an outage lasts from 5\.0 s to 5\.0 s, expected a start bef"),
        (lambda: Outage(0.0, math.nan), "end of an outage is nan, expected a number"),
        (lambda: Outage(0.0, 1.0, -1), "sender of an outage is -1, expected an agent's name"),
        (lambda: MessageFaults(outages=[(0.0, 1.0)]), r"outages holds \(0\.0, 1\.0\), expected Ou"),
        (
            lambda: MessageFaults.from_config({"los": 0.1}),
            "faults: unknown key 'los'; did you mean 'loss'?",
        ),
        (
            lambda: MessageFaults.from_config({"outages": [{"start": 0.0, "stop": 1.0}]}),
            "outage: unknown key 'stop'",
        ),
        (
            lambda: MessageFaults.from_config({"outages": [{"start": 0.0}]}),
            "outage: .*missing 1 required positional argument: 'end'",
        ),
    ],
)
def test_faults_that_cannot_be_are_refused_by_name(
    make: Callable[[], object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        make()


def test_faults_are_made_from_a_configuration() -> None:
    faults = MessageFaults.from_config(
        {"loss": 0.1, "outages": [{"start": 0.0, "end": math.inf, "sender": "MG1"}]}
    )
    assert faults == MessageFaults(loss=0.1, outages=(Outage(0.0, math.inf, "MG1"),))
    assert hash(faults) == hash(MessageFaults(loss=0.1, outages=faults.outages))
