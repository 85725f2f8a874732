"""Pictures and tables of a network and of a running episode.

matplotlib comes with the extra ``heron[plot]`` and is imported only when something is drawn.
"""

from powergrid.envs.render.one_line import one_line_diagram

__all__ = ["one_line_diagram"]
