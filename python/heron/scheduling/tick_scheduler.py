"""The tick scheduler of the compiled core, under the name that other modules import.

Its twin in plain Python, `heron.reference.tick_scheduler`, documents each method.
"""

from __future__ import annotations

from heron._core import TickScheduler

__all__ = ["TickScheduler"]
