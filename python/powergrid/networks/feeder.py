"""Build a pandapower network from the balanced equivalent of an IEEE test feeder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from powergrid.networks.facts import load_equivalent, load_facts
from powergrid.networks.regulators import (
    RegulatorModel,
    check_regulator_model,
    ensure_regulator_columns,
    line_drop_settings,
)
from powergrid.networks.scaling import check_load_scale

if TYPE_CHECKING:
    from pandapower import pandapowerNet


def build_feeder(
    feeder: str,
    name: str = "",
    *,
    regulators: RegulatorModel = "5MVA",
    load_scale: float = 1.0,
) -> pandapowerNet:
    """Build one IEEE feeder as a balanced 60 Hz pandapower network.

    Parameters
    ----------
    feeder : {"ieee13", "ieee34", "ieee123"}
        Which feeder.
    name : str
        Prefix of every element's name and the zone of every bus; "" for no prefix.
    regulators : {"5MVA", "ideal"}
        Impedance of the regulators: 1 % at 5 MVA (a plain ``runpp(net)`` converges) or
        0.01 % (needs the start of `powergrid.networks.start.tap_aware_start`).
    load_scale : float
        Factor on the published loads, > 0. Capacitors are not scaled.

    Returns
    -------
    pandapowerNet
        The source bus has index 0. ``net.trafo`` has the columns ``is_regulator`` and the
        settings of line-drop compensation (`powergrid.networks.regulators.LDC_COLUMNS`).

    Raises
    ------
    ValueError
        For an unknown feeder or regulator model, or a scale that is not positive.
    """
    # Importing pandapower takes seconds, so it is loaded only when a network is really built.
    import pandapower as pp

    equivalent = load_equivalent(feeder)
    facts = load_facts(feeder)
    vk_percent = check_regulator_model(regulators)
    check_load_scale(load_scale)
    prefix = f"{name} " if name else ""

    net = pp.create_empty_network(
        name=name, f_hz=equivalent["frequency_hz"], sn_mva=equivalent["sn_mva"]
    )
    bus = _create_buses(net, equivalent, facts, name, prefix)
    source = equivalent["source"]
    pp.create_ext_grid(net, bus[source["bus"]], vm_pu=source["vm_pu"], name=f"{prefix}Source")
    _create_lines(net, equivalent, facts, bus, prefix)
    _create_transformers(net, equivalent, facts, bus, prefix, vk_percent)
    for switch in equivalent["switches"]:
        ends = f"{switch['from']}-{switch['to']}"
        pp.create_switch(
            net,
            bus[switch["from"]],
            bus[switch["to"]],
            et="b",
            closed=switch["closed"],
            type="LBS",
            name=f"{prefix}Switch {ends}",
        )
    loads = equivalent["loads"]
    pp.create_loads(
        net,
        [bus[load["bus"]] for load in loads],
        p_mw=np.array([load["p_mw"] for load in loads]) * load_scale,
        q_mvar=np.array([load["q_mvar"] for load in loads]) * load_scale,
        name=[f"{prefix}Load {load['bus']}" for load in loads],
    )
    for shunt in equivalent["shunts"]:
        pp.create_shunt(
            net, bus[shunt["bus"]], q_mvar=shunt["q_mvar"], name=f"{prefix}Cap {shunt['bus']}"
        )
    return net


def _create_buses(
    net: pandapowerNet,
    equivalent: dict[str, Any],
    facts: dict[str, Any],
    name: str,
    prefix: str,
) -> dict[str, int]:
    """Create the buses, the source first, and return the index of each published name."""
    import pandapower as pp

    source = equivalent["source"]["bus"]
    buses = sorted(equivalent["buses"], key=lambda entry: entry["name"] != source)
    xy = {entry["name"]: tuple(entry["xy"]) for entry in facts["buses"]}
    index = pp.create_buses(
        net,
        len(buses),
        vn_kv=[entry["vn_kv"] for entry in buses],
        name=[f"{prefix}Bus {entry['name']}" for entry in buses],
        geodata=[xy[entry["name"]] for entry in buses],
        zone=name,
    )
    return {entry["name"]: int(i) for entry, i in zip(buses, index, strict=True)}


def _create_lines(
    net: pandapowerNet,
    equivalent: dict[str, Any],
    facts: dict[str, Any],
    bus: dict[str, int],
    prefix: str,
) -> None:
    import pandapower as pp

    lines = equivalent["lines"]
    kind = {
        (line["from"], line["to"]): facts["line_configs"][line["config"]]["kind"]
        for line in facts["lines"]
    }
    pp.create_lines_from_parameters(
        net,
        [bus[line["from"]] for line in lines],
        [bus[line["to"]] for line in lines],
        length_km=[line["length_km"] for line in lines],
        r_ohm_per_km=[line["r_ohm_per_km"] for line in lines],
        x_ohm_per_km=[line["x_ohm_per_km"] for line in lines],
        c_nf_per_km=[line["c_nf_per_km"] for line in lines],
        max_i_ka=[line["max_i_ka"] for line in lines],
        name=[f"{prefix}Line {line['from']}-{line['to']}" for line in lines],
        type=["cs" if kind[line["from"], line["to"]] == "underground" else "ol" for line in lines],
    )


def _create_transformers(
    net: pandapowerNet,
    equivalent: dict[str, Any],
    facts: dict[str, Any],
    bus: dict[str, int],
    prefix: str,
    vk_percent: float,
) -> None:
    import pandapower as pp

    settings = {entry["name"]: line_drop_settings(entry) for entry in facts["regulators"]}
    for trafo in equivalent["transformers"]:
        is_regulator = bool(trafo.get("regulator", False))
        tap: dict[str, Any] = {}
        if is_regulator:
            # Without a tap changer type pandapower ignores tap_pos silently.
            tap = {
                "tap_side": trafo["tap_side"],
                "tap_neutral": 0,
                "tap_min": trafo["tap_min"],
                "tap_max": trafo["tap_max"],
                "tap_pos": float(trafo["tap_pos"]),
                "tap_step_percent": trafo["tap_step_percent"],
                "tap_changer_type": "Ratio",
            }
        index = pp.create_transformer_from_parameters(
            net,
            hv_bus=bus[trafo["from"]],
            lv_bus=bus[trafo["to"]],
            sn_mva=trafo["sn_mva"],
            vn_hv_kv=trafo["vn_hv_kv"],
            vn_lv_kv=trafo["vn_lv_kv"],
            vk_percent=vk_percent if is_regulator else trafo["vk_percent"],
            vkr_percent=trafo["vkr_percent"],
            pfe_kw=0.0,
            i0_percent=0.0,
            name=f"{prefix}{trafo['name']}",
            **tap,
        )
        ensure_regulator_columns(net)
        net.trafo.loc[index, "is_regulator"] = is_regulator
        for column, value in settings.get(trafo["name"], {}).items():
            net.trafo.loc[index, column] = value
