"""Many copies of one environment that run by events: agents tick, messages travel, things get lost.

Physics is that of the synchronous environments, interval after interval. What differs is who acts
when, by what was known when, and which commands arrive.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from heron.errors import ConfigError, HeronError
from heron.scheduling.control_loop import ControlLoop
from powergrid.agents.protocol_config import ConsensusConfig, MarketConfig
from powergrid.engine.effects import Effects
from powergrid.engine.engine import Engine
from powergrid.engine.members import acts_by_itself
from powergrid.envs.decisions import Decisions
from powergrid.envs.lane_engine import make_lane_engine
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.envs.networked_grid_env import NetworkedGridEnv
from powergrid.envs.timing import Hierarchy, TimingSeeds, hierarchy_of, n_snapshot
from powergrid.envs.vector_grid_env import SavedLanes, VectorGridEnv
from powergrid.kernels import decisions as kernels

__all__ = ["EventDrivenVectorEnv"]

Array = NDArray[np.float64]
OnInterval = Callable[[Array, NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]], None]
NOBODY = np.zeros(0, np.int32)
MANY_LANES = 2048


class EventDrivenVectorEnv(VectorGridEnv):
    """`num_envs` lanes of a grid environment, run by events.

    A call of `step` answers the agents that are to act, and runs every lane up to the next moment
    at which agents of it act: ``infos["acting"]``, (num_envs, n_agent), says who. Agents tick by
    ``config["timing"]``, each with its own interval, delays and jitter; what they observe is as old
    as their observation delay, and their commands reach the devices when messages and devices allow
    it. Meanwhile the network lives through whole intervals of ``step_s``: lanes wait for each other
    at their ends, which changes nothing in any of them. A lane without anyone to act takes part in
    a call as well; then its actions are ignored and its observations mean nothing.

    With zero delays, no jitter, no loss, and ticks once a step, every step is the synchronous one,
    bit for bit.

    Episodes that end start anew within the call ("SameStep"). The last observations, in
    ``infos["final_obs"]``, are those that agents would have at the end, without jitter.

    Parameters
    ----------
    num_envs, env_config, env_class, n_thread
        As for `VectorGridEnv`.

    Raises
    ------
    ConfigError
        As for `VectorGridEnv`; also if an agent's protocol is more than a split of its action, or
        agents agree on a plan before they act.

    Notes
    -----
    ``infos`` are those of `VectorGridEnv` of the last interval, and:

    - ``acting``: bool, (num_envs, n_agent).
    - ``n_interval``: int64, (num_envs,): intervals that the call has lived through.
    - ``time_s``: (num_envs, n_agent): when each agent acts, or acted last, since the start of the
      episode [s].
    - ``age_s``: (num_envs, n_agent): how old what it observes, or observed, is [s]; infinite where
      nothing was known yet, and the observation is zeros.

    Where agents trade with each other, a decision goes to the market as well, by a message of its
    own: the agent takes part in the market of an interval if such a message arrived by the start of
    the interval, and after that of the one before.

    Rewards are what was paid during the call; `message_counters` has the messages.

    A call may live through several intervals. Who wants to know each assigns a function to
    `on_interval`: it is called with rewards, terminations, truncations and infos of every interval,
    as a synchronous step would answer them, before lanes that are over start anew. Infos of
    decisions (``acting``, ``time_s``, ``age_s``) are the last ones; ``final_<...>`` is not yet set.

    Examples
    --------
    >>> timing = {"coordinator": {"obs_delay": 3600.0, "jitter_type": "uniform"}}
    >>> envs = EventDrivenVectorEnv(4, {"max_episode_steps": 6, "timing": timing})
    >>> observations, infos = envs.reset(seed=0)
    >>> observations.any(), infos["acting"].all(), float(infos["age_s"].min())
    (False, True, inf)
    """

    is_event_driven: ClassVar[bool] = True
    on_interval: OnInterval | None = None

    def __init__(
        self,
        num_envs: int,
        env_config: Mapping[str, Any] | None = None,
        *,
        env_class: type[NetworkedGridEnv] = MultiAgentMicrogrids,
        autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
        n_thread: int = 1,
    ) -> None:
        if AutoresetMode(autoreset_mode) is not AutoresetMode.SAME_STEP:
            raise ConfigError(
                f"autoreset_mode is {AutoresetMode(autoreset_mode).value}; event-driven lanes "
                f"start anew in the step that ends them: SameStep"
            )
        super().__init__(
            num_envs,
            env_config,
            env_class=env_class,
            autoreset_mode=autoreset_mode,
            n_thread=n_thread,
        )
        engine, n_agent = self.engine, len(self.agents)
        # A thread is started for each call of the loop, which pays for many lanes only.
        self._loop_threads = self._crew.n_thread if num_envs >= MANY_LANES else 1
        self.pieces = engine.pieces
        tree = self._hierarchy()
        decider = [k for k, of in enumerate(tree.owner) if of < 0]
        # The environment's number of a decider.
        self._agent_of = np.full(len(tree.owner), -1, np.int32)
        self._agent_of[decider] = np.arange(n_agent)
        self._paths = tree.paths
        faults = tree.faults(self.config.timing.faults)
        self.loop = ControlLoop(num_envs, self.config.step_s, tree.owner, tree.configs, faults)
        self._decisions = Decisions(engine.actions.shape[2], self._oldest_decision)
        self._base_delay_s = np.array([tree.configs[k].obs_delay for k in decider])
        self._is_late = bool(self._base_delay_s.any())
        self._observer = np.array(
            [engine.scene.table.add_observer(layout.slots) for layout in self._env.layouts],
            np.int32,
        )
        self._timing_seeds: list[TimingSeeds | None] = [None] * num_envs
        rows = (num_envs * n_agent, self._observations.shape[2])
        self._rows = np.zeros(rows, np.float64 if engine.observer.is_scaled else np.float32)
        self._acting = np.zeros((num_envs, n_agent), np.bool_)
        self._n_interval = np.zeros(num_envs, np.int64)
        self._act_s, self._age_s = np.zeros((2, num_envs, n_agent))
        self._update_s = _update_times(64, self.config.step_s)
        self._paid = np.zeros((num_envs, n_agent))
        self._due_lane: NDArray[np.int32] = NOBODY
        self._due_agent: NDArray[np.int32] = NOBODY
        self._are_all_due = False
        self._infos |= {
            "acting": self._acting,
            "n_interval": self._n_interval,
            "time_s": self._act_s,
            "age_s": self._age_s,
        }

    def _hierarchy(self) -> Hierarchy:
        config = self.config
        tree = hierarchy_of(self._env.agent_dict, config.timing, config.step_s)
        has_market = isinstance(self._env.rules.protocol, MarketConfig)
        return tree.with_offers(config.step_s) if has_market else tree

    def _make_engine(self) -> Engine:
        name = type(self._env).__name__
        for agent in self._env.agent_dict.values():
            if acts_by_itself(agent):
                raise ConfigError(
                    f"{name}: the protocol of {agent.agent_id} is {type(agent.protocol).__name__}, "
                    f"which is asked one environment at a time; run single environments by events"
                )
        if isinstance(self._env.rules.protocol, ConsensusConfig):
            raise ConfigError(
                f"{name}: dso_config.protocol is consensus: agents that act at different times "
                f"have no proposals to agree on; use VectorGridEnv"
            )
        tree = self._hierarchy()
        coordinators = [c for of, c in zip(tree.owner, tree.configs, strict=True) if of < 0]
        n_history = n_snapshot(coordinators, self.config.step_s, self.config.max_episode_steps)
        return make_lane_engine(self._env, self.num_envs, n_history=n_history)

    # --- Gymnasium ----------------------------------------------------------------------------

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin an episode in all lanes; see `VectorGridEnv.reset`.

        Raises
        ------
        ConfigError
            If ``options["reset_mask"]`` leaves a lane out: lanes start anew by themselves.
        """
        mask = (options or {}).get("reset_mask")
        if mask is not None and not np.all(mask):
            raise ConfigError("event-driven lanes are reset together: leave reset_mask out")
        super().reset(seed=seed, options=options)
        self._paid[:] = 0.0
        self._n_interval[:] = 0
        self._surface()
        return self._observations, self._infos

    def step(
        self, actions: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], Array, NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Answer those who act, and run every lane up to its agents' next decisions.

        Parameters
        ----------
        actions : ndarray, (num_envs, n_agent, n_entry)
            In [-1, 1], finite; only those of acting agents count.

        Returns
        -------
        observations : ndarray of float32, (num_envs, n_agent, n_obs)
            Those of agents that do not act mean nothing.
        rewards : ndarray, (num_envs, n_agent)
            Paid during the call.
        terminations, truncations : ndarray of bool, (num_envs,)
            Whether an episode ended meanwhile; the lane is in its next one now.
        infos : dict

        Raises
        ------
        ValueError, HeronError
            As for `VectorGridEnv.step`.
        """
        if not self._has_reset:
            raise HeronError("step() before reset(): call reset() first")
        self._check(actions)
        if self._are_all_due:
            decided = actions.reshape(-1, actions.shape[2])
        else:
            decided = actions[self._due_lane, self._due_agent]
        self.loop.answer(self._decisions.add(decided), self._loop_threads)
        self._paid[:] = 0.0
        self._n_interval[:] = 0
        self._terminations[:] = False
        self._truncations[:] = False
        self._surface()
        return self._observations, self._paid, self._terminations, self._truncations, self._infos

    def message_counters(self) -> dict[str, NDArray[Any]]:
        """Return what became of messages, (num_envs,) each, since the start of the episodes.

        See `heron.scheduling.ControlLoop.counters`.
        """
        return dict(self.loop.all_counters())

    def save_state(self, lanes: Sequence[int] | None = None) -> SavedLanes:
        """Refuse: what is on its way is not saved."""
        raise HeronError(
            "lanes that run by events are not saved, loaded or forked: messages are on their way; "
            "VectorGridEnv does it"
        )

    def load_state(self, saved: SavedLanes, lanes: Sequence[int] | None = None) -> None:
        """Refuse, as `save_state` does."""
        self.save_state()

    # --- inside -------------------------------------------------------------------------------

    def _oldest_decision(self) -> int:
        return int(self.loop.oldest_payloads().min())

    def _surface(self) -> None:
        """Run all lanes up to the next decisions, and observe them."""
        self._has_reset = False  # until it is done: a lane that fails midway cannot go on
        while True:
            lane, decider, time_s, as_of_s = self.loop.next_due(self._loop_threads)
            if len(lane):
                break
            self._live_interval()
        last_s = float(time_s.max())
        while self._update_s[-1] < last_s:
            self._update_s = _update_times(2 * len(self._update_s), self.config.step_s)
        agent = np.empty(len(lane), np.int32)
        self._acting[:] = False
        self._are_all_due = kernels.take_down(
            lane, decider, time_s, as_of_s, self._agent_of, self._update_s, agent, self._acting,
            self._act_s, self._age_s,
        )  # fmt: skip
        self._due_lane, self._due_agent = lane, agent
        if self._is_late:
            self._see(lane, agent, as_of_s, are_all=self._are_all_due)
        else:
            self._crew.run(self.engine.programs.observe, 0, self.num_envs)
        self._has_reset = True

    def _see(
        self, lane: NDArray[np.int32], agent: NDArray[np.int32], as_of_s: Array, *, are_all: bool
    ) -> None:
        """Observe what agents of lanes see of these times; zeros if nothing is known.

        `are_all` says that they are all agents of all lanes in order.
        """
        observer, table = self.engine.observer, self.engine.scene.table
        by_row = self._observations.reshape(-1, self._observations.shape[2])
        rows = by_row if are_all and not observer.is_scaled else self._rows[: len(lane)]
        is_stale = table.gather_as_of(self._observer[agent], lane, as_of_s, rows)
        if observer.is_scaled:
            kernels.scale_rows(
                rows, is_stale, lane, agent, observer.offset, observer.scale, self._observations
            )
        elif not are_all:
            kernels.put_rows(rows, lane, agent, self._observations)

    def _live_interval(self) -> None:
        """Live through one interval in every lane; those whose episode ends start anew."""
        lane, member, time_s, decision = self.loop.end_interval()
        decisions, pieces = self._decisions, self.pieces
        if self.engine.market is not None:
            n_device = len(self.engine.scene.members)
            is_offer = member >= n_device
            self.engine.market.takes_part[:] = False
            self.engine.market.takes_part[member[is_offer] - n_device, lane[is_offer]] = True
            at = ~is_offer
            lane, member, time_s, decision = lane[at], member[at], time_s[at], decision[at]
        command = pieces.commands(decisions.flat, decisions.row(decision), member)
        self._effects = Effects(lane, member, time_s, command)
        self._run()
        self._paid += self.engine.books.reward
        self._n_interval += 1
        self._judge()
        np.logical_or(self._terminations, self._truncations, out=self._is_over)
        self._update_parts()
        if self.on_interval is not None:
            self.on_interval(
                self.engine.books.reward, self._terminations, self._truncations, self._infos
            )
        going = np.flatnonzero(~self._is_over).astype(np.int32)
        self._wake()
        if self._is_late:
            self.engine.scene.table.snapshot(going, self.engine.scene.now_s[going])
        if len(going) < self.num_envs:
            self._observe_ends()
            self._finish_in_same_step()

    def _wake(self) -> None:
        """Let agents tick once more that a condition wakes at the end of the interval."""
        watch = self.engine.watch
        if watch is None:
            return
        lane, agent, time_s = watch.wake_ups()
        decider = np.flatnonzero(self._agent_of >= 0)[agent]
        for k, number, when_s in zip(lane.tolist(), decider.tolist(), time_s.tolist(), strict=True):
            if not self._is_over[k]:
                self.loop.wake(k, number, when_s)

    def _lose_messages(self, lane: int) -> None:
        """Tell the loop when communication is out in a lane's episode."""
        stage = self.engine.disturbances
        if stage is not None:
            events = stage.events(lane)
            for start_s, end_s, sender in stage.schedule.communication_outages(events):
                if sender in self._paths:  # an operator above sends nothing here
                    self.loop.set_outage(lane, start_s, end_s, self._paths.index(sender))

    def _observe_ends(self) -> None:
        """Observe lanes that are over, as late as without jitter."""
        over = np.flatnonzero(self._is_over).astype(np.int32)
        if not self._is_late:
            self._crew.run(self.engine.programs.observe, 0, self.num_envs)
            return
        table, now_s, n_agent = self.engine.scene.table, self.engine.scene.now_s, len(self.agents)
        table.snapshot(over, now_s[over])
        lane: NDArray[np.int32] = np.repeat(over, n_agent)
        agent: NDArray[np.int32] = np.tile(np.arange(n_agent, dtype=np.int32), len(over))
        as_of_s = now_s[lane] - self._base_delay_s[agent]
        self._see(lane, agent, as_of_s, are_all=False)

    def _run(self, starting: Sequence[int] = ()) -> None:
        self.engine.step_pieces(self._effects, self._crew)

    def _start(self, lanes: list[int], days: Sequence[int | None] | None) -> None:
        super()._start(lanes, days)
        table = self.engine.scene.table
        for lane in lanes:
            generator, seeds = self._generators[lane], self._timing_seeds[lane]
            assert generator is not None
            if seeds is None or seeds.generator is not generator:
                seeds = self._timing_seeds[lane] = TimingSeeds(generator)
            self.loop.reset(lane, seeds.next(), 0)
            self._lose_messages(lane)
            if self._is_late:
                table.clear_history(lane)
        if self._is_late:
            table.snapshot(np.array(lanes, np.int32), np.zeros(len(lanes)))


def _update_times(n: int, step_s: float) -> Array:
    """Return the first times of updates and snapshots [s], with the rounding of lanes' clocks."""
    return np.concatenate([[0.0], np.cumsum(np.full(n, step_s))])
