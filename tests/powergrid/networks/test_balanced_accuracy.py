"""The balanced model against the unbalanced truth, as docs/networks.md states it."""

from __future__ import annotations

import numpy as np
import pandapower as pp
import pytest

from powergrid.networks import IEEE13Bus, IEEE34Bus, IEEE123Bus, tap_aware_start


def phase_voltages(golden, feeder):
    """Return {bus: magnitudes of the phases that exist} of the three-phase solution."""
    if feeder == "ieee123":
        solution = golden("ieee123_published")
    else:
        solution = golden(f"{feeder}_3ph_solution")["ends"]
    return {bus: [v for v in row[::2] if v is not None] for bus, row in solution["v"].items()}


def deviations(net, golden, feeder):
    vm_pu, va_degree = tap_aware_start(net)
    pp.runpp(net, init_vm_pu=vm_pu, init_va_degree=va_degree, lightsim2grid=False)
    solved = dict(zip(net.bus.name.str.removeprefix("Bus "), net.res_bus.vm_pu, strict=True))
    phases = phase_voltages(golden, feeder)
    full = [solved[bus] - np.mean(v) for bus, v in phases.items() if len(v) == 3]
    lateral = [solved[bus] - np.mean(v) for bus, v in phases.items() if len(v) < 3]
    return np.array(full), np.array(lateral)


@pytest.mark.parametrize(
    ("feeder", "build", "rms"),
    [("ieee13", IEEE13Bus, 0.0011), ("ieee34", IEEE34Bus, 0.003), ("ieee123", IEEE123Bus, 0.0006)],
)
def test_three_phase_buses_are_near_the_unbalanced_mean(feeder, build, rms, golden):
    full, lateral = deviations(build(regulators="ideal"), golden, feeder)
    assert np.sqrt(np.mean(full**2)) < rms
    assert np.abs(lateral).max() < 0.028
