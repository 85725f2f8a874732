"""The event-driven mode of many environments, compiled, under the name that other modules import.

Its twin in plain Python, `heron.reference.control_loop`, documents each method.
"""

from __future__ import annotations

from heron._core import ControlLoop

__all__ = ["ControlLoop"]
