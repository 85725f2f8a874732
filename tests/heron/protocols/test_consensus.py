"""Agents that average with their neighbours agree, and on the mean if losses are symmetric."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from heron.errors import ConfigError
from heron.protocols import ConsensusProtocol, HorizontalProtocol, get_protocol
from heron.protocols.consensus import (
    complete_graph,
    metropolis_weights,
    reach_consensus,
    ring_graph,
)

VALUES = st.floats(-1e3, 1e3)


@st.composite
def graphs(draw: st.DrawFn, n_agent: int) -> np.ndarray:
    half = np.triu(draw(npst.arrays(np.bool_, (n_agent, n_agent))), k=1)
    return half | half.T


@st.composite
def talks(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return proposals, a graph and losses for each of five exchanges."""
    n_agent = draw(st.integers(1, 6))
    proposals = draw(npst.arrays(np.float64, (n_agent, 2), elements=VALUES))
    lost = draw(npst.arrays(np.bool_, (5, n_agent, n_agent)))
    return proposals, draw(graphs(n_agent)), lost


def is_connected(graph: np.ndarray) -> bool:
    reach = np.linalg.matrix_power(graph.astype(float) + np.eye(len(graph)), len(graph))
    return bool((reach > 0).all())


# --- graphs and weights ----------------------------------------------------------------------


def test_a_ring_links_each_with_two_and_a_complete_graph_with_all():
    assert ring_graph(5).sum(axis=0).tolist() == [2] * 5
    assert complete_graph(5).sum(axis=0).tolist() == [4] * 5
    assert ring_graph(2).tolist() == complete_graph(2).tolist()
    assert not ring_graph(1).any()


@given(graph=st.integers(1, 6).flatmap(graphs))
def test_weights_are_symmetric_and_leave_each_agent_part_of_its_own(graph):
    weights = metropolis_weights(graph)
    assert (weights == weights.T).all()
    assert ((weights > 0.0) == graph).all()
    assert (weights.sum(axis=1) < 1.0).all()


@pytest.mark.parametrize("graph", [np.ones((2, 3)), np.eye(2), [[0, 1], [0, 0]]])
def test_a_graph_that_is_none_is_refused(graph):
    with pytest.raises(ValueError, match="graph"):
        metropolis_weights(graph)


# --- agreement -------------------------------------------------------------------------------


def test_all_with_all_agree_in_one_exchange():
    agreement = reach_consensus([0.0, 4.0, 8.0, 20.0], complete_graph(4), tolerance=1e-9)
    np.testing.assert_allclose(agreement.values, 8.0, atol=1e-12)
    assert int(agreement.n_iteration) == 1


def test_one_exchange_on_a_ring_is_as_worked_out_by_hand():
    agreement = reach_consensus([0.0, 3.0, 6.0, 9.0], ring_graph(4), max_iterations=1)
    assert agreement.values.tolist() == [4.0, 3.0, 6.0, 5.0]
    assert float(agreement.spread) == 3.0


@pytest.mark.parametrize("spread", [0.0, 0.01])
def test_who_agrees_already_does_not_talk(spread):
    agreement = reach_consensus([5.0, 5.0 + spread], complete_graph(2), tolerance=0.0100001)
    assert agreement.values.tolist() == [5.0, 5.0 + spread]
    assert int(agreement.n_iteration) == 0


@given(talk=talks())
def test_the_mean_stays_if_losses_are_symmetric(talk):
    proposals, graph, lost = talk
    symmetric = lost & lost.transpose(0, 2, 1)
    agreement = reach_consensus(proposals, graph, max_iterations=5, lost=symmetric)
    np.testing.assert_allclose(agreement.values.mean(axis=0), proposals.mean(axis=0), atol=1e-10)


def test_the_mean_may_move_if_losses_are_not_symmetric():
    lost = [[False, True], [False, False]]  # agent 0 never hears agent 1
    agreement = reach_consensus([0.0, 8.0], complete_graph(2), lost=lost, tolerance=1e-3)
    assert agreement.values[0] == 0.0
    np.testing.assert_allclose(agreement.values, 0.0, atol=8.0 * 0.5**10 + 1e-12)


@given(talk=talks())
def test_values_stay_between_the_proposals_whatever_is_lost(talk):
    proposals, graph, lost = talk
    values = reach_consensus(proposals, graph, max_iterations=5, lost=lost).values
    assert (values >= proposals.min(axis=0) - 1e-10).all()
    assert (values <= proposals.max(axis=0) + 1e-10).all()


@given(talk=talks())
def test_a_connected_graph_agrees_in_the_end(talk):
    proposals, graph, _ = talk
    assume(is_connected(graph))
    agreement = reach_consensus(proposals, graph, max_iterations=2000, tolerance=1e-3)
    assert (agreement.spread <= 1e-3).all()
    assert (abs(agreement.values - proposals.mean(axis=0)) <= 1e-3 + 1e-9).all()


@given(talk=talks(), tolerance=st.floats(0.0, 100.0))
def test_lanes_agree_each_for_itself(talk, tolerance):
    proposals, graph, lost = talk
    options: dict[str, Any] = {"max_iterations": 5, "tolerance": tolerance, "lost": lost}
    lanes = reach_consensus(proposals, graph, **options)
    for k in range(2):
        alone = reach_consensus(proposals[:, k].copy(), graph, **options)
        assert lanes.values[:, k].tolist() == alone.values.tolist()
        assert lanes.n_iteration[k] == alone.n_iteration
        assert lanes.spread[k] == alone.spread


@given(talk=talks())
def test_a_loss_of_everything_leaves_everything(talk):
    proposals, graph, _ = talk
    everything = np.ones(graph.shape, dtype=bool)
    assert (reach_consensus(proposals, graph, lost=everything).values == proposals).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"proposals": [1.0, np.nan]}, "expected finite values"),
        ({"proposals": [1.0, 2.0, 3.0]}, r"shape \(3,\), expected \(2, ...\)"),
        ({"max_iterations": -1}, "expected none below 0"),
        ({"tolerance": np.nan}, "expected none below 0"),
        ({"lost": np.zeros((3, 2, 2))}, r"expected \(2, 2\) or \(10, 2, 2\)"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    arguments = {"proposals": [1.0, 2.0], "graph": complete_graph(2), **options}
    with pytest.raises(ValueError, match=message):
        reach_consensus(**arguments)


# --- the protocol ----------------------------------------------------------------------------


def test_the_protocol_gives_each_agent_where_it_arrived():
    protocol = ConsensusProtocol(max_iterations=1, graph="ring")
    agents = dict.fromkeys(["a", "b", "c", "d"])
    assert protocol.coordinate([0.0, 3.0, 6.0, 9.0], agents) == {
        "a": 4.0,
        "b": 3.0,
        "c": 6.0,
        "d": 5.0,
    }
    assert protocol.agreement is not None
    assert int(protocol.agreement.n_iteration) == 1


def test_proposals_may_be_vectors_and_messages_may_be_lost():
    protocol, agents = ConsensusProtocol(), dict.fromkeys("ab")
    proposals = {"b": [2.0, 4.0], "a": [0.0, 0.0]}
    agreed = protocol.coordinate(proposals, agents)
    assert {name: value.tolist() for name, value in agreed.items()} == {
        "a": [1.0, 2.0],
        "b": [1.0, 2.0],
    }
    kept = protocol.coordinate(proposals, agents, lost=np.ones((2, 2)))
    assert kept["b"].tolist() == [2.0, 4.0]
    assert protocol.coordinate({}, {}) == {}


def test_it_is_made_by_name_with_the_usual_arguments():
    protocol = get_protocol("consensus")
    assert isinstance(protocol, HorizontalProtocol)
    assert (protocol.max_iterations, protocol.tolerance) == (10, 0.01)
    graph = ring_graph(3)
    assert get_protocol("consensus", graph=graph).graph is graph


def test_a_protocol_that_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="did you mean 'ring'"):
        ConsensusProtocol(graph="rings")
    with pytest.raises(ConfigError, match="expected none below 0"):
        ConsensusProtocol(tolerance=-1.0)
