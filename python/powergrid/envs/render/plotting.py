"""matplotlib, imported only where something is drawn."""

from __future__ import annotations

import importlib.util
from contextlib import AbstractContextManager

from heron.errors import HeronError

__all__ = ["MissingPlotLibraryError", "plain_style", "require_matplotlib"]


class MissingPlotLibraryError(HeronError, ImportError):
    """Something is to be drawn, but matplotlib is not installed."""


def require_matplotlib() -> None:
    """Check that matplotlib is installed, without importing it.

    Raises
    ------
    MissingPlotLibraryError
        (an ImportError) if it is not; it says how to install it.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingPlotLibraryError(
            'drawing needs matplotlib, which is not installed: pip install "heron[plot]" '
            '(render_mode "ansi" needs nothing)'
        )


def plain_style() -> AbstractContextManager[None]:
    """Return a context in which a user's own matplotlib settings do not change our pictures."""
    import matplotlib.style

    return matplotlib.style.context("default")
