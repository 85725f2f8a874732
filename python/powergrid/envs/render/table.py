"""An episode's present state as text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from powergrid.envs.render.diagram import DeviceReading
from powergrid.envs.render.episode import EpisodeRecord
from powergrid.envs.render.text import format_tap

__all__ = ["heading", "table"]

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAY_S = 86400.0


def heading(record: EpisodeRecord) -> str:
    """Return which interval the present values belong to."""
    n_done = record.last.n_done
    if n_done == 0:
        return f"start of day {record.day}, {_clock(record, 0, has_weekday=True)}"
    begin, end = _clock(record, n_done - 1, has_weekday=True), _clock(record, n_done)
    return f"step {n_done}/{record.n_step}, day {record.day}, {begin}-{end}"


def _clock(record: EpisodeRecord, k: int, *, has_weekday: bool = False) -> str:
    time_s = record.start_s + k * record.step_s
    weekday = f"{WEEKDAYS[int(time_s // DAY_S) % 7]} " if has_weekday else ""
    minute = int(time_s % DAY_S // 60)
    return f"{weekday}{minute // 60:02d}:{minute % 60:02d}"


def table(record: EpisodeRecord, bus_names: Sequence[str]) -> str:
    """Return the network, the agents and their devices as a table.

    Powers of devices are injections [MW], the exchange is what an agent buys [MW].
    """
    last = record.last
    supplied = np.where(last.vm_pu > 0.0, last.vm_pu, np.inf)
    low, high = int(np.argmin(supplied)), int(np.argmax(last.vm_pu))
    v_min = f"{last.vm_pu[low]:.4f} p.u. ({bus_names[low]})"
    v_max = f"{last.vm_pu[high]:.4f} p.u. ({bus_names[high]})"
    load, source, loss = last.load_p_mw, last.source_p_mw, last.loss_mw
    lines = [
        heading(record) + ("" if last.converged else "  [power flow did not converge]"),
        f"load {load:.3f} MW  source {source:.3f} MW  losses {loss:.3f} MW",
        f"lowest voltage {v_min}  highest {v_max}",
        "",
    ]
    rows = [["agent", "$/MWh", "cost $", "so far $", "safety", "v_min", "v_max", "exchange"]]
    for name, agent in last.agents.items():
        exchange = "-" if agent.exchange_p_mw is None else f"{agent.exchange_p_mw:+.3f}"
        rows.append(
            [
                name,
                f"{agent.price:.2f}",
                f"{agent.cost:.2f}",
                f"{agent.total_cost:.2f}",
                f"{agent.safety:.4f}",
                f"{agent.v_min_pu:.4f}",
                f"{agent.v_max_pu:.4f}",
                exchange,
            ]
        )
    lines += [*_columns(rows, n_left=1), ""]
    rows = [["agent", "device", "P MW", "Q Mvar", ""]]
    for (name, device_id), reading in last.devices.items():
        rows.append(
            [name, device_id, f"{reading.p_mw:+.3f}", f"{reading.q_mvar:+.3f}", _extra(reading)]
        )
    return "\n".join([*lines, *_columns(rows, n_left=2)])


def _extra(reading: DeviceReading) -> str:
    if reading.soc is not None:
        return f"SOC {100.0 * reading.soc:5.1f} %"
    if reading.tap is not None:
        return f"tap {format_tap(reading.tap)}"
    return "" if reading.is_on else "off"


def _columns(rows: list[list[str]], n_left: int) -> list[str]:
    """Align rows of equal length, the first `n_left` columns to the left."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if i < n_left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
