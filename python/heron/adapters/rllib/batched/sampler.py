"""Lanes that are sampled: where each stands, and what has been lived through."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ray.rllib.core.columns import Columns
from ray.rllib.env.multi_agent_episode import MultiAgentEpisode

from heron.adapters.rllib.batched.actions import ActionScale
from heron.adapters.rllib.batched.episodes import EpisodeMaker
from heron.adapters.rllib.batched.infos import InfoPacker
from heron.adapters.rllib.batched.lane_metrics import Tally
from heron.adapters.rllib.batched.lanes import Lanes
from heron.adapters.rllib.batched.module_pass import (
    Key,
    ModulePass,
    Outputs,
    Rows,
    rows_by_module,
)
from heron.adapters.rllib.batched.rollout import Chunk, Rollout, Step

__all__ = ["LaneSampler"]


class LaneSampler:
    """Let modules act in all lanes, keep what comes of it, and make episodes of it.

    Parameters
    ----------
    lanes : Lanes
        The environment.
    config : AlgorithmConfig
        Of the runner.
    device : torch.device or str
        Where the modules are.

    Attributes
    ----------
    agents : list[str]
        In the order of rows.
    tally : Tally
        Sums over episodes, for metrics.
    n_by_module : Counter
        Steps of each module's agents since it was cleared.
    """

    def __init__(self, lanes: Lanes, config: Any, device: Any) -> None:
        self._lanes, self._config = lanes, config
        self.agents = agents = lanes.possible_agents
        self._n_agent = len(agents)
        self._n_row = lanes.num_envs * len(agents)
        self._maker = EpisodeMaker(
            lanes.observation_spaces,
            lanes.action_spaces,
            config.episode_lookback_horizon,
        )
        self._pass = ModulePass(self._n_row, device)
        self._pack = InfoPacker(lanes.num_envs, len(agents))
        self._scale = ActionScale(
            lanes.joint_action_space,
            lanes.num_envs,
            normalize=config.normalize_actions,
            clip=config.clip_actions,
        )
        self.tally = Tally(agents)
        self.n_by_module: Counter[str] = Counter()
        self._observations = np.zeros((self._n_row, 0), np.float32)
        self._outputs = Outputs({}, {})
        self._rollout = Rollout()
        # None where a lane is over and has not begun anew.
        self._ongoing: list[Chunk | None] = [None] * lanes.num_envs
        self._module_of_row = np.empty(self._n_row, object)
        self._rows: dict[str, Rows] | None = None  # None: to be found out again
        self._fresh: list[int] = []  # lanes that have begun since modules last acted

    def begin_all(self, observations: NDArray[np.float32]) -> None:
        """Give up all episodes and begin others, with these observations."""
        self.tally.forget_ongoing()
        self._rollout = Rollout()
        self._observations = observations.reshape(self._n_row, -1).copy()
        self._begin(range(self._lanes.num_envs))

    def act(self, modules: Any, *, explore: bool, n_step_lifetime: int) -> NDArray[np.float32]:
        """Return actions for the environment, (n_lane, n_agent, n_entry).

        Where all lanes are over and only begin anew, no module is asked.
        """
        rows = self._find_rows(modules)
        if self._fresh:
            self._pass.forget(modules, self._rows_of(self._fresh))
            self._fresh = []
        self._outputs = Outputs({}, {})
        if rows:
            self._outputs = self._pass(
                modules,
                rows,
                self._observations,
                [chunk.episode for chunk in self._ongoing if chunk is not None],
                explore=explore,
                n_step_lifetime=n_step_lifetime,
            )
        return self._scale(self._outputs, rows)

    def act_randomly(self) -> NDArray[np.float32]:
        """Draw actions from their space, (n_lane, n_agent, n_entry); no module is asked."""
        actions = self._scale.random()
        values = actions.reshape(self._n_row, -1)
        key = Key((Columns.ACTIONS,), values.shape[1:], values.dtype.str)
        rows = self._find_rows(None)
        self._outputs = Outputs({key: values}, {name: {Columns.ACTIONS: key} for name in rows})
        # Recurrent modules go on from their first states, for none of these is known.
        self._fresh = list(range(self._lanes.num_envs))
        return actions

    def forget_outputs(self) -> None:
        """Let episodes look back no further than to here."""
        self._rollout = self._rollout.tail(0)
        self._start_chunks()

    def record(
        self,
        observations: NDArray[np.float32],
        rewards: NDArray[np.float64],
        terminations: NDArray[np.bool_],
        truncations: NDArray[np.bool_],
        infos: dict[str, Any],
        *,
        weights_seq_no: int,
    ) -> tuple[int, list[Chunk]]:
        """Take what the environment answered to the last actions.

        Returns
        -------
        n_lived : int
            Lanes that lived through a step, and did not only begin anew.
        ended : list[Chunk]
            Last parts of the episodes that ended, to be given to `finish`.
        """
        was_over = [lane for lane, chunk in enumerate(self._ongoing) if chunk is None]
        over = terminations | truncations
        self._rollout.steps.append(
            Step(
                self._observations,
                self._outputs,
                rewards.reshape(self._n_row).copy(),
                self._pack(infos, over, self._lanes.is_same_step),
                weights_seq_no,
                time.perf_counter(),
            )
        )
        for name, rows in (self._rows or {}).items():
            self.n_by_module[name] += self._n_row if rows is None else len(rows)
        self._observations = observations.reshape(self._n_row, -1).copy()
        ended = []
        for lane in np.flatnonzero(over).tolist():
            chunk = self._ongoing[lane]
            assert chunk is not None
            chunk.end = len(self._rollout)
            chunk.is_terminated = bool(terminations[lane])
            chunk.is_truncated = bool(truncations[lane])
            if self._lanes.is_same_step:
                chunk.final = infos["final_obs"][lane].copy()
            ended.append(chunk)
            self._ongoing[lane] = None
        if self._lanes.is_same_step:
            self._begin(chunk.lane for chunk in ended)
        elif ended or was_over:
            self._begin(was_over)
            self._rows = None
        return self._lanes.num_envs - len(was_over), ended

    def finish(self, ended: list[Chunk], *, cut: bool) -> list[MultiAgentEpisode]:
        """Make episodes of what has been recorded, and begin a new record.

        Parameters
        ----------
        ended : list[Chunk]
            Of the episodes that ended, those to return.
        cut : bool
            Whether to return what there is of the others, too, and let them go on.
        """
        n_step = len(self._rollout)
        if n_step == self._rollout.n_carried:
            return []
        trajectories = self._rollout.by_row(self._observations)
        parts = list(ended)
        for chunk in self._ongoing:
            if cut and chunk is not None and n_step > chunk.begin:
                chunk.end = n_step
                parts.append(chunk)
        episodes = []
        for part in parts:
            episodes.append(self._maker.fill(part, trajectories))
            self.tally.add(part, trajectories)
        if cut:
            for lane, chunk in enumerate(self._ongoing):
                if chunk is not None and chunk.end == n_step:
                    self._ongoing[lane] = self._maker.succeed(chunk)
        # One step more than can be looked back to has the infos that belong to the first of them.
        self._rollout = self._rollout.tail(self._maker.horizon + 1 if cut else 0)
        self._start_chunks()
        return episodes

    # --- inside -------------------------------------------------------------------------------

    def _begin(self, lanes: Iterable[int]) -> None:
        """Let episodes begin after the last step."""
        now = time.perf_counter()
        for lane in lanes:
            episode = self._maker.begin(self._config.policy_mapping_fn)
            self._ongoing[lane] = Chunk(lane, episode, 0, len(self._rollout), started_s=now)
            first = lane * self._n_agent
            self._module_of_row[first : first + self._n_agent] = [
                episode.module_for(agent) for agent in self._maker.agents
            ]
            self._fresh.append(lane)
            self._rows = None

    def _start_chunks(self) -> None:
        """Let what is to come of all ongoing episodes begin where the rollout now ends."""
        for chunk in self._ongoing:
            if chunk is not None:
                chunk.begin = len(self._rollout)

    def _find_rows(self, modules: Any) -> dict[str, Rows]:
        if self._rows is None:
            acting = np.repeat([chunk is not None for chunk in self._ongoing], self._n_agent)
            self._rows = rows_by_module(self._module_of_row, acting, modules)
        return self._rows

    def _rows_of(self, lanes: list[int]) -> Rows:
        if len(set(lanes)) == self._lanes.num_envs:
            return None
        agents = np.arange(self._n_agent)
        return (np.array(lanes)[:, np.newaxis] * self._n_agent + agents).reshape(-1)
