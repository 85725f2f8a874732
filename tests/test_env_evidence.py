"""The evidence for the environment's engine in short, and that it would see what is wrong."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "benchmarks" / "python"
CASES = ("ieee34_ieee13", "ieee123_ieee13", "every kind of device")


@pytest.fixture(scope="module")
def evidence() -> Iterator[Callable[[str], Any]]:
    """Return what imports a module of the evidence."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        yield lambda name: importlib.import_module(f"environment_evidence.{name}")


@pytest.mark.parametrize("case", CASES)
def test_episodes_of_extreme_actions_are_those_of_the_reference(
    evidence: Callable[[str], Any], case: str
) -> None:
    parity = evidence("parity")
    variant = evidence("cases").n_variant(case) - 1
    pair, found = parity.Pair(case, variant, max_episode_steps=10), parity.Parity()
    for seed in (3, 4):  # swinging from one end to the other, and far beyond
        pair.play(seed, found)
    assert found.holds, found
    assert (found.n_episode, found.n_step, found.n_failed) == (2, 20, 0)
    assert found.n_moved > 10
    assert found.table > 0.0
    assert found.reward > 0.0


def test_another_device_is_seen(evidence: Callable[[str], Any]) -> None:
    parity = evidence("parity")
    pair = parity.Pair("every kind of device", max_episode_steps=3)
    pair.reference.agent_dict["A"].devices["store"].config.degradation_cost += 1e-4
    found = parity.Parity()
    pair.play(1, found)
    assert not found.holds
    assert found.reward > 1.0 >= found.table
    assert "A's" in found.worst["reward"]


def test_units_of_the_last_place_are_counted(evidence: Callable[[str], Any]) -> None:
    ulps = evidence("parity").ulps
    one = np.float32([1.0, -1.0, 1e-6, 100.0])
    up = np.nextafter(one, np.float32(np.inf))
    assert ulps(up, one) == pytest.approx([1.0, 0.5, 1.0, 1.0])
    assert ulps(up, one, least=1.0)[2] < 1e-6
    assert ulps(one, one).tolist() == [0.0] * 4


@pytest.mark.parametrize("simd", ["baseline", "best"])
def test_a_batch_has_the_bits_of_single_environments(
    evidence: Callable[[str], Any], simd: str
) -> None:
    batch_parity = evidence("batch_parity")
    level = batch_parity.instruction_sets()[-1 if simd == "best" else 0]
    for case in CASES:
        found = batch_parity.compare(case, 5, 2, level, n_step=4)
        assert found.holds
        assert found.n_number > 5_000


def test_one_bit_is_seen(evidence: Callable[[str], Any]) -> None:
    batch_parity = evidence("batch_parity")
    found = batch_parity.SameBits("", "", 1, 1)
    x = np.array([1.0, 2.0, 0.0])
    batch_parity._count(x, x + np.array([0.0, 2.0**-51, -0.0]), found)
    assert (found.n_number, found.n_different, found.holds) == (3, 1, False)


def test_a_batch_lives_on_without_growing_or_losing_energy(evidence: Callable[[str], Any]) -> None:
    endure = evidence("endurance").endure
    for found in (
        endure("ieee34_ieee13", 64, 10_000, 24),
        endure("every kind of device", 4, 600, 100),
    ):
        assert found.holds, found
        assert found.n_at_limit > 100
        assert found.drift > 0.0
        assert found.flowed_mwh > 50.0
        assert found.n_failed == 0


def test_a_leak_of_energy_is_seen(
    evidence: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    endurance = evidence("endurance")
    made = endurance.Batteries.__init__

    def with_less(self: Any, envs: Any) -> None:
        made(self, envs)
        self._discharging = self._discharging * (1.0 - 1e-12)

    monkeypatch.setattr(endurance.Batteries, "__init__", with_less)
    found = endurance.endure("ieee34_ieee13", 16, 800, 24)
    assert found.drift > found.drift_bound
    assert not found.holds


def test_the_page_says_what_holds(evidence: Callable[[str], Any]) -> None:
    report, parity, batch_parity, endurance = (
        evidence(name) for name in ("report", "parity", "batch_parity", "endurance")
    )
    machine = {"processor": "P", "python": "CPython 3", "packages": {"numpy": "2"}}
    bits = batch_parity.SameBits("case", "avx2", 3, 2, n_number=9)
    for n_tap in (0, 2):
        found = report.Evidence(
            machine,
            {"case": parity.Parity(n_episode=1, n_tap=n_tap)},
            [bits],
            [endurance.Endurance("case", 4, 24)],
            {"part": 1.0},
        )
        assert found.holds == (n_tap == 0)
        assert ("NOT ALL" in report.page(found)) == (n_tap > 0)
        assert json.loads(json.dumps(report.content(found)))["holds"] == found.holds
