"""Measures of limit violations."""

from __future__ import annotations

import pytest

from powergrid.utils.safety import (
    SafetySpec,
    loading_over_pct,
    pf_penalty,
    rate_of_change_penalty,
    s_over_rating,
    soc_bounds_penalty,
    total_safety,
    voltage_deviation,
)


def test_apparent_power_counts_beyond_the_rating_as_a_fraction_of_it() -> None:
    assert s_over_rating(3.0, 4.0, 4.0) == pytest.approx(0.25)
    assert s_over_rating(3.0, 4.0, 5.0) == 0.0
    assert s_over_rating(3.0, 4.0, None) == 0.0


def test_power_factor_counts_what_it_falls_short() -> None:
    assert pf_penalty(3.0, 4.0, 0.9) == pytest.approx(0.3)
    assert pf_penalty(0.0, 0.0, 0.9) == 0.0


def test_voltages_count_their_distance_to_the_band_bus_by_bus() -> None:
    assert voltage_deviation([0.94, 1.0, 1.07]) == pytest.approx(0.01 + 0.02)
    assert voltage_deviation([0.95, 1.05]) == 0.0


def test_overloads_are_fractions_and_spare_capacity_does_not_offset_them() -> None:
    assert loading_over_pct([130.0, 90.0, 110.0]) == pytest.approx(0.4)


def test_state_of_charge_counts_on_either_side() -> None:
    assert soc_bounds_penalty(0.05, 0.1, 0.9) == pytest.approx(0.05)
    assert soc_bounds_penalty(0.95, 0.1, 0.9) == pytest.approx(0.05)
    assert soc_bounds_penalty(0.5, 0.1, 0.9) == 0.0


def test_fast_changes_count_beyond_the_allowed_change() -> None:
    assert rate_of_change_penalty(5.0, 1.0, 3.0) == 1.0
    assert rate_of_change_penalty(1.0, 2.0, 3.0) == 0.0


def test_weights_apply_to_the_parts_they_name() -> None:
    parts = {"voltage": 0.1, "loading": 0.2, "other": 0.3}
    assert total_safety(parts) == pytest.approx(0.6)
    assert total_safety(parts, SafetySpec(voltage=2.0, loading=0.0)) == pytest.approx(0.5)
