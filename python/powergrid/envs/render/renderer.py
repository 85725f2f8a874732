"""What `NetworkedGridEnv.render` does, by mode."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from heron.errors import HeronError
from powergrid.envs.render.diagram import read_diagram
from powergrid.envs.render.episode import EpisodeRecord, device_marks
from powergrid.envs.render.one_line import ZONE_COLORS
from powergrid.envs.render.plotting import plain_style, require_matplotlib
from powergrid.envs.render.table import table

if TYPE_CHECKING:
    from powergrid.envs.networked_grid_env import NetworkedGridEnv
    from powergrid.envs.render.picture import EpisodePicture

__all__ = ["Renderer"]


class Renderer:
    """Follows one environment and shows it.

    Parameters
    ----------
    mode : {"ansi", "rgb_array", "human"}
    env : NetworkedGridEnv

    Raises
    ------
    MissingPlotLibraryError
        If a picture is wanted and matplotlib is not installed.
    """

    def __init__(self, mode: str, env: NetworkedGridEnv) -> None:
        if mode != "ansi":
            require_matplotlib()
        self.mode = mode
        self._env = env
        self._record: EpisodeRecord | None = None
        self._picture: EpisodePicture | None = None
        self._close_window: weakref.finalize[Any, Renderer] | None = None
        self._is_shown = False  # whether the window shows the last snapshot

    def begin(self) -> None:
        """Take note of a reset."""
        self._record = EpisodeRecord.begin(self._env)
        self._show_next()

    def add(self) -> None:
        """Take note of an interval, after it was settled and before the next begins."""
        assert self._record is not None
        self._record.add(self._env)
        self._show_next()

    def render(self) -> np.ndarray | str | None:
        """Return the text or picture of the present state, or bring it to the window.

        Raises
        ------
        HeronError
            Before the first reset.
        """
        if self._record is None:
            raise HeronError("render() before reset(): call env.reset() first")
        if self.mode == "ansi":
            return table(self._record, self._env.power_flow.bus_names)
        if self.mode == "human":
            if not self._is_shown:
                self._show(self._record)
            return None
        with plain_style():
            picture = self._picture or self._new_picture(is_window=False)
            picture.update(self._record)
            canvas: Any = picture.figure.canvas
            canvas.draw()
            return np.asarray(canvas.buffer_rgba())[..., :3].copy()

    def close(self) -> None:
        """Close the window and forget the picture; rendering makes a new one."""
        if self._close_window is not None:
            self._close_window()
        self._close_window = self._picture = None

    def _show_next(self) -> None:
        self._is_shown = False
        if self.mode == "human":
            self.render()

    def _show(self, record: EpisodeRecord) -> None:
        """Draw into the window, which a backend without a screen only pretends to have."""
        import matplotlib.pyplot as plt

        with plain_style():
            picture = self._picture
            if picture is None or not plt.fignum_exists(picture.figure.number):
                self.close()  # the user may have closed the window
                picture = self._new_picture(is_window=True)
            picture.update(record)
            canvas: Any = picture.figure.canvas
            canvas.draw()
        if canvas.required_interactive_framework is not None:
            canvas.manager.show()
            canvas.flush_events()
        self._is_shown = True

    def _new_picture(self, *, is_window: bool) -> EpisodePicture:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        from powergrid.envs.render.picture import DPI, SIZE_INCH, EpisodePicture

        env = self._env
        if is_window:
            import matplotlib.pyplot as plt

            figure = plt.figure(figsize=SIZE_INCH, dpi=DPI)
            # pyplot would keep the window of an environment that nobody closed.
            self._close_window = weakref.finalize(self, plt.close, figure)
        else:
            figure = Figure(figsize=SIZE_INCH, dpi=DPI)
            FigureCanvasAgg(figure)
        net = env.power_flow.net  # its elements only, so its results need not be there
        marks = device_marks(env.agent_dict, [int(index) for index in net.bus.index])
        colors = {
            name: ZONE_COLORS[i % len(ZONE_COLORS)] for i, name in enumerate(env.possible_agents)
        }
        self._picture = EpisodePicture(figure, read_diagram(net, marks), colors)
        return self._picture

    def __getstate__(self) -> dict[str, Any]:
        """Leave the picture behind: a copy draws its own."""
        return {**self.__dict__, "_picture": None, "_close_window": None, "_is_shown": False}
