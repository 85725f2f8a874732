"""Merge a microgrid into a distribution grid."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING

from heron.errors import ConfigError
from powergrid.networks.layout import place_beside
from powergrid.networks.lookup import bus_index, zone_names
from powergrid.networks.regulators import ensure_regulator_columns, set_regulators_neutral
from powergrid.networks.scaling import check_load_scale, scale_loads, scale_shunts

if TYPE_CHECKING:
    from pandapower import pandapowerNet

# Transformer of a connection between two voltages: 1 + j8 % on its rating, 5 MVA at full size.
PCC_VKR_PERCENT = 1.0
PCC_VK_PERCENT = math.hypot(1.0, 8.0)
PCC_SN_MVA = 5.0

# Key of the record of connections in a merged network.
PCC_KEY = "heron_pcc"


def merge_microgrid(
    grid: pandapowerNet,
    microgrid: pandapowerNet,
    connection_bus: str,
    *,
    load_scale: float = 0.1,
) -> pandapowerNet:
    """Return a new network in which `microgrid` is supplied by `grid` at `connection_bus`.

    The microgrid's loads and capacitors are scaled, its regulators put in neutral, its
    external grid removed. Its source bus is joined to the connection bus by an element named
    "<microgrid> PCC": a closed bus-bus switch where both have the same voltage, otherwise a
    transformer of 1 + j8 % at 5 MVA times `load_scale`. Names and zones are kept; the
    microgrid's drawing is scaled and put beside its connection bus. The elements of `grid`
    keep their indices. The inputs are not changed.

    Parameters
    ----------
    grid : pandapowerNet
        Distribution grid, alone or with microgrids already merged into it.
    microgrid : pandapowerNet
        Network with one external grid; all its buses are in one zone, which names it.
    connection_bus : str
        Bus of `grid`: its full name, or its name without the zone where that is unique.
    load_scale : float
        Factor on the microgrid's loads and capacitors and on the transformer's rating, > 0.

    Returns
    -------
    pandapowerNet
        ``net["heron_pcc"]`` maps each merged microgrid to a dictionary with the indices
        ``grid_bus`` and ``bus`` (the two ends) and ``trafo`` and ``switch``, one of which is
        None. Power flow results of the inputs are dropped.

    Raises
    ------
    ValueError
        If the connection bus is unknown, both networks share a zone or the name of a bus, they
        differ in frequency, the microgrid has no name, or not exactly one external grid.

    Examples
    --------
    >>> from powergrid.networks import IEEE13Bus, IEEE34Bus
    >>> net = merge_microgrid(IEEE34Bus("DSO"), IEEE13Bus("MG1"), "DSO Bus 850")
    >>> len(net.bus), net["heron_pcc"]["MG1"]["switch"]
    (50, None)
    """
    from pandapower import toolbox

    check_load_scale(load_scale)
    grid_bus = bus_index(grid, connection_bus)
    name = _microgrid_name(microgrid)
    _check_compatible(grid, microgrid, name)

    grid = _without_results(grid)
    microgrid = _without_results(microgrid)
    ensure_regulator_columns(grid)
    ensure_regulator_columns(microgrid)
    scale_loads(microgrid, load_scale)
    scale_shunts(microgrid, load_scale)
    set_regulators_neutral(microgrid)
    source_bus = _remove_source(microgrid, name)
    place_beside(grid, microgrid, grid_bus, source_bus)

    net, moved = toolbox.merge_nets(
        grid,
        microgrid,
        validate=False,
        merge_results=False,
        return_net2_reindex_lookup=True,
        net2_reindex_log_level=None,
    )
    bus = int(moved.get("bus", {}).get(source_bus, source_bus))
    record = dict(grid.get(PCC_KEY, {}))
    record.update(_moved_record(microgrid.get(PCC_KEY, {}), moved))
    record[name] = _connect(net, grid_bus, bus, name, load_scale)
    net[PCC_KEY] = record
    return net


def _microgrid_name(microgrid: pandapowerNet) -> str:
    """Return the name of the zone that holds the microgrid's source."""
    sources = microgrid.ext_grid.index[microgrid.ext_grid["in_service"].astype(bool)]
    if len(sources) != 1:
        raise ConfigError(
            f"the microgrid has {len(sources)} external grids in service, expected 1: "
            "the one that the connection replaces"
        )
    name = microgrid.bus.at[microgrid.ext_grid.at[sources[0], "bus"], "zone"]
    if not (isinstance(name, str) and name):
        raise ConfigError(
            "the microgrid has no name: build it with one, or set net.bus['zone'] to its name"
        )
    return name


def _check_compatible(grid: pandapowerNet, microgrid: pandapowerNet, name: str) -> None:
    shared_zones = sorted(set(zone_names(grid)) & set(zone_names(microgrid)))
    if shared_zones:
        raise ConfigError(
            f"microgrid '{name}' and the grid share the zone {', '.join(map(repr, shared_zones))}; "
            "give each network its own name"
        )
    shared = sorted(set(map(str, grid.bus["name"])) & set(map(str, microgrid.bus["name"])))
    if shared:
        listed = ", ".join(map(repr, shared[:5])) + (", ..." if len(shared) > 5 else "")
        raise ConfigError(f"microgrid '{name}' and the grid share names of buses: {listed}")
    if grid.f_hz != microgrid.f_hz:
        raise ConfigError(
            f"microgrid '{name}' has {microgrid.f_hz} Hz and the grid {grid.f_hz} Hz; "
            "networks of different frequency cannot be merged"
        )


def _without_results(net: pandapowerNet) -> pandapowerNet:
    """Return a copy without power flow results, which would not fit the merged network."""
    from pandapower.toolbox import clear_result_tables

    net = copy.deepcopy(net)
    clear_result_tables(net)
    return net


def _remove_source(microgrid: pandapowerNet, name: str) -> int:
    """Drop every external grid, in place, and return the bus of the one in service."""
    from pandapower import toolbox

    in_service = microgrid.ext_grid["in_service"].astype(bool)
    source_bus = int(microgrid.ext_grid.loc[in_service, "bus"].iloc[0])
    if len(microgrid.gen) and microgrid.gen["slack"].any():
        raise ConfigError(
            f"microgrid '{name}' has a slack generator; a merged microgrid has no slack of its own"
        )
    toolbox.drop_elements(microgrid, "ext_grid", microgrid.ext_grid.index)
    return source_bus


def _moved_record(
    record: dict[str, dict[str, int | None]], moved: dict[str, dict[int, int]]
) -> dict[str, dict[str, int | None]]:
    """Translate the connections inside a microgrid to the indices of the merged network."""
    table = {"grid_bus": "bus", "bus": "bus", "trafo": "trafo", "switch": "switch"}
    return {
        name: {
            key: None if index is None else int(moved.get(table[key], {}).get(index, index))
            for key, index in ends.items()
        }
        for name, ends in record.items()
    }


def _connect(
    net: pandapowerNet, grid_bus: int, bus: int, name: str, load_scale: float
) -> dict[str, int | None]:
    """Join the two buses and return the record of the connection."""
    import pandapower as pp

    grid_kv = float(net.bus.at[grid_bus, "vn_kv"])
    kv = float(net.bus.at[bus, "vn_kv"])
    if math.isclose(grid_kv, kv, rel_tol=1e-9):
        switch = pp.create_switch(net, grid_bus, bus, et="b", type="CB", name=f"{name} PCC")
        return {"grid_bus": grid_bus, "bus": bus, "trafo": None, "switch": int(switch)}
    high, low = (grid_bus, bus) if grid_kv > kv else (bus, grid_bus)
    trafo = pp.create_transformer_from_parameters(
        net,
        hv_bus=high,
        lv_bus=low,
        sn_mva=PCC_SN_MVA * load_scale,
        vn_hv_kv=max(grid_kv, kv),
        vn_lv_kv=min(grid_kv, kv),
        vk_percent=PCC_VK_PERCENT,
        vkr_percent=PCC_VKR_PERCENT,
        pfe_kw=0.0,
        i0_percent=0.0,
        name=f"{name} PCC",
    )
    ensure_regulator_columns(net)
    return {"grid_bus": grid_bus, "bus": bus, "trafo": int(trafo), "switch": None}
