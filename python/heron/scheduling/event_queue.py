"""The event queue of the compiled core, under the name that other modules import.

Its twin in plain Python, `heron.reference.event_queue`, documents each method; both give the same
events in the same order for the same calls.
"""

from __future__ import annotations

from heron._core import EventQueue

__all__ = ["EventQueue"]
