"""What is lived through: a shipped setup, episodes of a day, actions drawn at random."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.setups.loader import load_setup

__all__ = ["EPISODE", "SEED", "SETUP", "draw_actions", "make_single", "setup_config"]

SETUP = "ieee34_ieee13"
EPISODE = 24  # steps, of an hour each
SEED = 2024


def setup_config(**changes: Any) -> dict[str, Any]:
    """Return the setup's configuration with some entries replaced."""
    return {**load_setup(SETUP), "max_episode_steps": EPISODE, **changes}


def make_single(**changes: Any) -> MultiAgentMicrogrids:
    """Return a PettingZoo environment of the setup."""
    return MultiAgentMicrogrids(setup_config(**changes))


def draw_actions(n_block: int, n_lane: int, n_agent: int, n_entry: int) -> NDArray[np.float32]:
    """Draw actions, (n_block, n_lane, n_agent, n_entry), all over the space.

    They are drawn beforehand and used again and again: who makes actions is not timed.
    """
    rng = np.random.default_rng([SEED, n_lane])
    return rng.uniform(-1.0, 1.0, (n_block, n_lane, n_agent, n_entry)).astype(np.float32)
