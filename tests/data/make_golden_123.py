"""Make ieee123_golden.json: the balanced 123-bus model solved by two independent engines.

Run as ``python tests/data/make_golden_123.py`` with pandapower and OpenDSSDirect installed.
The file is written only if both agree. The tests reuse `solve_with_opendss`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pandapower import pandapowerNet

GOLDEN = Path(__file__).with_name("ieee123_golden.json")
MAX_DIFFERENCE_PU = 1e-6


def opendss_script(net: pandapowerNet) -> Iterator[str]:
    """Yield OpenDSS commands for a balanced network of lines, transformers, loads, shunts.

    Every element gets equal positive- and zero-sequence values, so phase A of the three-phase
    solution is the positive-sequence solution. Buses joined by a closed switch share a name.
    """
    node = dss_names(net)
    kv = net.bus.vn_kv
    source = net.ext_grid.iloc[0]
    yield "clear"
    yield f"set defaultbasefrequency={net.f_hz}"
    # The impedance of the source is small against the network (1e-6 ohm), but not zero.
    yield (
        f"new circuit.c bus1={node[source.bus]} basekv={kv[source.bus]} pu={source.vm_pu} "
        "angle=0 r1=0 x1=1e-6 r0=0 x0=1e-6"
    )
    for i, line in net.line.iterrows():
        sequence = " ".join(
            f"r{k}={line.r_ohm_per_km} x{k}={line.x_ohm_per_km} c{k}={line.c_nf_per_km}"
            for k in (0, 1)
        )
        yield (
            f"new line.l{i} bus1={node[line.from_bus]} bus2={node[line.to_bus]} phases=3 "
            f"length={line.length_km} units=km {sequence}"
        )
    for i, trafo in net.trafo.iterrows():
        ratio = 1.0
        if trafo.tap_changer_type == "Ratio":
            ratio += trafo.tap_pos * trafo.tap_step_percent / 100.0
        x_percent = math.sqrt(trafo.vk_percent**2 - trafo.vkr_percent**2)
        # Half of the resistance in each winding; taps beyond the defaults of 0.9 to 1.1 allowed.
        yield (
            f"new transformer.t{i} phases=3 windings=2 buses=[{node[trafo.hv_bus]} "
            f"{node[trafo.lv_bus]}] conns=[wye wye] kvs=[{trafo.vn_hv_kv} {trafo.vn_lv_kv}] "
            f"kvas=[{1e3 * trafo.sn_mva} {1e3 * trafo.sn_mva}] xhl={x_percent} "
            f"%rs=[{trafo.vkr_percent / 2} {trafo.vkr_percent / 2}] ppm_antifloat=0 "
            f"maxtap=1.2 mintap=0.8 taps=[1 {ratio}]"
        )
    for i, load in net.load.iterrows():
        yield (
            f"new load.d{i} bus1={node[load.bus]} phases=3 conn=wye model=1 kv={kv[load.bus]} "
            f"kw={1e3 * load.p_mw} kvar={1e3 * load.q_mvar} vminpu=0.5 vmaxpu=1.5"
        )
    for i, shunt in net.shunt[net.shunt.step > 0].iterrows():
        yield (
            f"new capacitor.c{i} bus1={node[shunt.bus]} phases=3 conn=wye "
            f"kv={shunt.vn_kv} kvar={-1e3 * shunt.q_mvar * shunt.step}"
        )
    yield f"set voltagebases=[{' '.join(str(v) for v in sorted(kv.unique()))}]"
    yield "calcvoltagebases"
    yield "set tolerance=1e-12 maxiterations=1000"
    yield "solve mode=snapshot controlmode=off"


def dss_names(net: pandapowerNet) -> dict[int, str]:
    """Return an OpenDSS bus name for each bus; buses joined by closed switches share one."""
    group = {i: i for i in net.bus.index}
    closed = net.switch[(net.switch.et == "b") & net.switch.closed]
    for a, b in zip(closed.bus, closed.element, strict=True):
        keep, drop = group[a], group[b]
        group = {i: keep if g == drop else g for i, g in group.items()}
    return {i: f"n{g}" for i, g in group.items()}


def solve_with_opendss(net: pandapowerNet) -> dict[str, float]:
    """Return the voltage magnitude [p.u.] of each bus, by name, as OpenDSS finds it."""
    from opendssdirect import dss

    for command in opendss_script(net):
        dss.Text.Command(command)
    if not dss.Solution.Converged():
        raise RuntimeError("OpenDSS did not converge")
    voltage = {}
    for index, node in dss_names(net).items():
        dss.Circuit.SetActiveBus(node)
        base_volt = net.bus.vn_kv[index] * 1e3 / math.sqrt(3.0)
        voltage[net.bus.name[index]] = dss.Bus.VMagAngle()[0] / base_volt
    return voltage


def main() -> None:
    """Solve with both engines, compare, and write the golden file."""
    import pandapower as pp

    from powergrid.networks import IEEE123Bus, tap_aware_start

    net = IEEE123Bus(regulators="ideal")
    vm_pu, va_degree = tap_aware_start(net)
    pp.runpp(
        net,
        init_vm_pu=vm_pu,
        init_va_degree=va_degree,
        tolerance_mva=1e-10,
        lightsim2grid=False,
    )
    short = {name: name.removeprefix("Bus ") for name in net.bus.name}
    pandapower_vm = dict(zip(net.bus.name, net.res_bus.vm_pu, strict=True))
    pandapower_va = dict(zip(net.bus.name, net.res_bus.va_degree, strict=True))
    opendss_vm = solve_with_opendss(net)
    difference = max(abs(pandapower_vm[name] - opendss_vm[name]) for name in short)
    if difference > MAX_DIFFERENCE_PU:
        raise RuntimeError(f"the engines differ by {difference:.2e} p.u.")
    golden = {
        "name": "ieee123_posseq",
        "what": "balanced model with ideal regulators at the mean published taps, "
        "source at its published voltage",
        "pandapower_vm_pu": {short[n]: round(float(v), 10) for n, v in pandapower_vm.items()},
        "pandapower_va_degree": {short[n]: round(float(v), 8) for n, v in pandapower_va.items()},
        "opendss_vm_pu": {short[n]: round(v, 10) for n, v in opendss_vm.items()},
        "source_p_mw": round(float(net.res_ext_grid.p_mw.iloc[0]), 10),
        "source_q_mvar": round(float(net.res_ext_grid.q_mvar.iloc[0]), 10),
        "loss_mw": round(float(net.res_line.pl_mw.sum() + net.res_trafo.pl_mw.sum()), 10),
        "max_abs_dv_pp_vs_opendss": difference,
    }
    rows = ",\n".join(f" {json.dumps(key)}: {json.dumps(value)}" for key, value in golden.items())
    GOLDEN.write_text(f"{{\n{rows}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
