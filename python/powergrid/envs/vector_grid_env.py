"""Many copies of one environment, stepped together by one engine."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
from gymnasium.spaces import Box
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import ArrayLike, NDArray

from heron.errors import ConfigError, HeronError
from powergrid.disturbances.config import check_synchronous
from powergrid.engine.books import SAFETY_PARTS
from powergrid.engine.crew import Crew
from powergrid.engine.lane_state import LaneState, load_lanes, save_lanes
from powergrid.engine.nursery import Nursery
from powergrid.engine.rows import runs
from powergrid.envs.lane_engine import make_lane_engine
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.envs.networked_grid_env import MAX_START_DAYS, NetworkedGridEnv, wanted_day
from powergrid.kernels.check import first_not_finite

if TYPE_CHECKING:
    from heron.envs.vector import VectorMultiAgentEnv
    from powergrid.engine.engine import Engine

__all__ = ["SavedLanes", "VectorGridEnv"]

Array = NDArray[np.float64]

LONGEST = 1024  # lanes side by side that start together


@dataclass(frozen=True)
class SavedLanes:
    """What `VectorGridEnv.save_state` returns: lanes, and where their random generators stand."""

    lanes: LaneState
    generators: list[dict[str, Any] | None]
    days: list[int]
    is_over: NDArray[np.bool_]


class VectorGridEnv(VectorEnv[NDArray[np.float32], NDArray[np.float32], Any]):
    """`num_envs` lanes of a grid environment, in arrays ``[lane, agent, ...]``.

    Each lane does what a single environment of the same configuration and seed does, bit for bit,
    whatever the number of lanes and threads. Lanes may stand at different days and times and have
    different loads, prices and ratings.

    It is a `gymnasium.vector.VectorEnv` whose rewards are one a lane *and agent*. Answers are the
    same arrays in every step, overwritten by the next; copy what you keep.

    Parameters
    ----------
    num_envs : int
        Number of lanes.
    env_config : mapping, optional
        Of `env_class`.
    env_class : type
        Class of the single environment. It must not override `_reward_and_safety`, which is asked
        one environment at a time.
    autoreset_mode : AutoresetMode or str
        "NextStep" (default): a lane that is over starts anew in the next step, which ignores its
        action and pays nothing. "SameStep": in the same one; ``infos["final_obs"]`` has the last
        observations. "Disabled": by `reset` with ``options={"reset_mask": ...}`` only.
    n_thread : int
        Threads that share the lanes. One does all the work where it is Python's: with devices that
        run by hooks, and with pandapower's power flow.

    Attributes
    ----------
    agents : list[str]
        Names along the second axis.
    action_mask : ndarray of bool, (n_agent, n_entry)
        Entries of the action that an agent has a device for.
    single_observation_space, single_action_space : Box
        (n_agent, n_obs) and (n_agent, n_entry).
    single_state_space : Box
        (n_slot,), of a lane's column in `state`.

    Raises
    ------
    ConfigError
        If agents have unequal spaces (``uniform_spaces=False``), the class is not suitable, or the
        configuration is wrong.

    Examples
    --------
    >>> envs = VectorGridEnv(3, {"max_episode_steps": 2})
    >>> observations, infos = envs.reset(seed=0)
    >>> observations.shape == (3, 3, len(envs.observation_names))
    True
    >>> actions = np.zeros((3, 3, envs.single_action_space.shape[1]), np.float32)
    >>> observations, rewards, terminations, truncations, infos = envs.step(actions)
    >>> rewards.shape, infos["cost"].shape, truncations.tolist()
    ((3, 3), (3, 3), [False, False, False])
    """

    is_event_driven: ClassVar[bool] = False
    event_driven: ClassVar[str] = "powergrid.envs.event_driven_vector_env:EventDrivenVectorEnv"

    def __init__(
        self,
        num_envs: int,
        env_config: Mapping[str, Any] | None = None,
        *,
        env_class: type[NetworkedGridEnv] = MultiAgentMicrogrids,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        n_thread: int = 1,
    ) -> None:
        for name, value in (("num_envs", num_envs), ("n_thread", n_thread)):
            if operator.index(value) < 1:
                raise ConfigError(f"{name} is {value}, expected at least 1")
        self.num_envs = num_envs
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {**env_class.metadata, "autoreset_mode": self.autoreset_mode}
        self._env = env_class(env_config)
        self.config = self._env.config
        if not self.is_event_driven:
            check_synchronous(self.config.disturbances, type(self).__name__)
        self.engine = self._make_engine()
        self._crew = Crew(n_thread)
        self.agents = list(self._env.possible_agents)
        n_agent, n_obs = self.engine.observer.observations.shape[1:]
        n_entry = self.engine.actions.shape[2]
        self.single_observation_space = Box(-np.inf, np.inf, (n_agent, n_obs), np.float32)
        self.single_action_space = Box(-1.0, 1.0, (n_agent, n_entry), np.float32)
        self.single_state_space = self._env.state_space
        self.observation_space = Box(-np.inf, np.inf, (num_envs, n_agent, n_obs), np.float32)
        self.action_space = Box(-1.0, 1.0, (num_envs, n_agent, n_entry), np.float32)
        self.action_mask = np.zeros((n_agent, n_entry), np.bool_)
        for number, agent in enumerate(self._env.agent_dict.values()):
            for _, _, entry, _ in agent.action_layout.entries():
                self.action_mask[number, entry] = True
        self._generators: list[np.random.Generator | None] = [None] * num_envs
        self._days = [0] * num_envs
        self._is_over = np.ones(num_envs, np.bool_)  # and starts anew with the next step
        self._has_reset = False
        self._terminations, self._truncations = (np.zeros(num_envs, np.bool_) for _ in range(2))
        self._converged = np.zeros(num_envs, np.bool_)
        self._observations = self.engine.observer.observations
        self._rewards = self.engine.books.reward
        self._infos = self._make_infos()

    # --- Gymnasium ----------------------------------------------------------------------------

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin an episode in all lanes, or in those of a mask.

        Parameters
        ----------
        seed : int or sequence, optional
            Lane i gets ``seed + i``, or ``seed[i]``; see `NetworkedGridEnv.reset`.
        options : mapping, optional
            ``day``: the day of the split, one for all lanes or one for each. ``reset_mask``: bool,
            (num_envs,), the lanes to reset; what is given for others is ignored.

        Returns
        -------
        observations : ndarray of float32, (num_envs, n_agent, n_obs)
        infos : dict
            Empty.
        """
        options = dict(options or {})
        mask = np.asarray(options.pop("reset_mask", np.ones(self.num_envs, np.bool_)))
        if mask.dtype != np.bool_ or mask.shape != (self.num_envs,):
            raise ConfigError(
                f"reset_mask is {mask.dtype} of shape {mask.shape}, expected bool, "
                f"({self.num_envs},)"
            )
        lanes = np.flatnonzero(mask).tolist()
        if not self._has_reset and len(lanes) < self.num_envs:
            raise HeronError("the first reset() is of all lanes: call it without reset_mask")
        days = self._wanted_days(options, lanes)
        self._seed_lanes(seed, lanes)
        self._has_reset = len(lanes) < self.num_envs  # until they have started
        self._start(lanes, days)
        self._has_reset = True
        return self._observations, {}

    def step(
        self, actions: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], Array, NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Live through one interval in every lane.

        Parameters
        ----------
        actions : ndarray, (num_envs, n_agent, n_entry)
            In [-1, 1]; finite values outside are clipped.

        Returns
        -------
        observations : ndarray of float32, (num_envs, n_agent, n_obs)
        rewards : ndarray, (num_envs, n_agent)
        terminations, truncations : ndarray of bool, (num_envs,)
        infos : dict
            ``cost``, ``safety``, ``energy_bought_mwh``, ``energy_sold_mwh``, (num_envs, n_agent);
            ``safety_device``, ``safety_voltage``, ``safety_loading``, ``safety_distribution``, and
            the cost by cause, ``cost_fuel`` and so on, the same; ``converged``, (num_envs,);
            ``episode_cost``, ``episode_safety``, ``episode_reward``, (num_envs, n_agent), and
            ``episode_length``, (num_envs,), of the episode so far. Where agents trade with each
            other, ``energy_traded_mwh`` (negative for sold), ``trade_payment`` and ``trade_fee``,
            (num_envs, n_agent). In lanes that only start ("NextStep") the interval's are 0. With
            "SameStep" ``final_obs`` and ``final_episode_<...>`` have the last observations and sums
            of the episodes that are over, in their lanes. With disturbances,
            ``disturbance_<kind>``, (num_envs,): how many were in force in the interval; with
            conditions, ``condition_<name>``, bool, (num_envs, n_agent): whom they wake at its end.

        Raises
        ------
        ValueError
            If the actions have another shape or a value that is not finite; nothing has changed.
        HeronError
            Before the first `reset`.
        """
        if not self._has_reset:
            raise HeronError("step() before reset(): call reset() first")
        engine = self.engine
        self._check(actions)
        np.copyto(engine.actions, actions)
        is_reset_here = self.autoreset_mode is not AutoresetMode.DISABLED
        over = np.flatnonzero(self._is_over if is_reset_here else ())
        starting = over.tolist()
        if len(starting) < self.num_envs:
            self._run(starting)
        else:
            self._start(starting, None)
        self._judge()
        if starting:  # "NextStep": they were over before
            self._rewards[over] = 0.0
            self._converged[over] = True
            self._terminations[over] = self._truncations[over] = False
        self._update_parts()
        np.logical_or(self._terminations, self._truncations, out=self._is_over)
        if self.autoreset_mode is AutoresetMode.SAME_STEP and self._is_over.any():
            self._finish_in_same_step()
        return (
            self._observations, self._rewards, self._terminations, self._truncations, self._infos
        )  # fmt: skip

    def state(self) -> Array:
        """Return every feature of every lane, float64, (n_slot, num_envs); a view.

        To read: a step makes some features out of those of the step before.
        """
        return self.engine.scene.table.values

    def close_extras(self, **kwargs: Any) -> None:
        """End the threads."""
        self._crew = Crew(1)

    # --- names, parameters, lanes -------------------------------------------------------------

    @property
    def description(self) -> NetworkedGridEnv:
        """The single environment that says what lanes are made of; it is not to be stepped."""
        return self._env

    @property
    def days(self) -> list[int]:
        """Day of the split on which each lane's episode began."""
        return list(self._days)

    @property
    def observation_names(self) -> list[str]:
        """What each entry of an agent's observation is."""
        return self._env.observation_names(self.agents[0])

    @property
    def action_names(self) -> list[str]:
        """What each entry of an agent's action is."""
        return self._env.action_names(self.agents[0])

    @property
    def state_names(self) -> list[str]:
        """What each row of `state` is."""
        return self.engine.scene.table.slot_names

    @property
    def parameter_names(self) -> list[str]:
        """What `set_parameter` takes."""
        return self.engine.parameters.names

    def parameter(self, name: str) -> Array:
        """Return a parameter of all lanes, (num_envs,)."""
        return self.engine.parameters.get(name)

    def set_parameter(
        self, name: str, values: ArrayLike, lanes: Sequence[int] | None = None
    ) -> None:
        """Set a parameter of lanes from their next episodes on; see `ParameterTable`."""
        self.engine.parameters.set(name, values, self._lanes(lanes))

    def say_price(self, prices: ArrayLike) -> None:
        """Let the grid's operator add to the market price of each lane's next interval.

        Whatever it says stands until it says something else, or the lane's episode ends.

        Parameters
        ----------
        prices : float or (num_envs,)
            [$/MWh], on top of the rule of ``dso_config.protocol``.

        Raises
        ------
        ConfigError
            If the protocol is not "price_signal", or a value or shape is wrong.
        """
        tariff = self.engine.interval.tariff
        if tariff is None:
            name = self.engine.scene.rules.protocol.name
            raise ConfigError(f"dso_config.protocol is {name}; the operator says no price")
        new = np.asarray(prices, dtype=np.float64)
        if new.shape not in ((), (self.num_envs,)) or not np.isfinite(new).all():
            raise ConfigError(
                f"prices are {new.tolist()}, expected one finite number, or {self.num_envs}"
            )
        tariff.signal[: self.num_envs] = new

    def idle_actions(self) -> NDArray[np.float32]:
        """Return the actions of doing nothing, (num_envs, n_agent, n_entry)."""
        idle = [self._env.agent_dict[name].idle_action() for name in self.agents]
        return np.repeat(np.stack(idle)[np.newaxis].astype(np.float32), self.num_envs, axis=0)

    def save_state(self, lanes: Sequence[int] | None = None) -> SavedLanes:
        """Return everything that lanes are, all or some; it can be pickled."""
        at = self._lanes(lanes)
        generators = [self._generators[lane] for lane in at]
        return SavedLanes(
            save_lanes(self.engine, at),
            [None if g is None else dict(g.bit_generator.state) for g in generators],
            [self._days[lane] for lane in at],
            self._is_over[at].copy(),
        )

    def load_state(self, saved: SavedLanes, lanes: Sequence[int] | None = None) -> None:
        """Put saved lanes, also of another `VectorGridEnv` of this configuration, into lanes.

        One saved lane may go into many, or else as many as there are. They then go on exactly
        alike, in what they draw as well.

        Raises
        ------
        ConfigError
            If the numbers differ, or the lanes are of another environment.
        """
        at = self._lanes(lanes)
        n = saved.lanes.n_lane
        if n not in (1, len(at)):
            raise ConfigError(f"{n} saved lanes do not fit {len(at)} lanes")
        load_lanes(self.engine, saved.lanes, at)
        for k, lane in enumerate(at):
            of = k if n > 1 else 0
            state = saved.generators[of]
            if state is None:
                self._generators[lane] = None
            else:
                generator, _ = seeding.np_random(0)
                generator.bit_generator.state = state
                self._generators[lane] = generator
            self._days[lane] = saved.days[of]
            self._is_over[lane] = saved.is_over[of]
        self._has_reset |= len(at) == self.num_envs

    def fork(self, source: int, lanes: Sequence[int]) -> None:
        """Let lanes go on as copies of lane `source`."""
        self.load_state(self.save_state([source]), lanes)

    # --- inside -------------------------------------------------------------------------------

    def _lanes(self, lanes: Sequence[int] | None) -> list[int]:
        if lanes is None:
            return list(range(self.num_envs))
        at = [operator.index(lane) for lane in lanes]
        for lane in at:
            if not 0 <= lane < self.num_envs:
                raise ConfigError(f"lane {lane} does not exist: there are 0..{self.num_envs - 1}")
        if len(set(at)) < len(at):
            raise ConfigError(f"lanes {at}: one is named twice")
        return at

    def _check(self, actions: Any) -> None:
        shape = self.engine.actions.shape
        if not isinstance(actions, np.ndarray) or actions.shape != shape:
            got = actions.shape if isinstance(actions, np.ndarray) else type(actions).__name__
            raise ConfigError(f"actions: got {got}, expected an array of shape {shape}")
        bad = first_not_finite(np.ascontiguousarray(actions).reshape(-1))
        if bad >= 0:
            lane, agent, entry = np.unravel_index(bad, shape)
            raise ConfigError(
                f"action of {self.agents[agent]} in lane {lane} is not finite at "
                f"{self.action_names[entry]}"
            )

    def _run(self, starting: Sequence[int] = ()) -> None:
        """Step all lanes, then start those; what that needs is made ready in the meantime."""
        self.engine.begin_step(self._crew)
        try:
            if starting:
                self._start(list(starting), None)
        finally:
            self._crew.finish()

    def _judge(self) -> None:
        engine, config = self.engine, self.config
        np.equal(engine.status, 0, out=self._converged)
        np.greater_equal(engine.scene.step_number, config.max_episode_steps, out=self._truncations)
        if config.on_convergence_failure == "terminate":
            np.logical_not(self._converged, out=self._terminations)
            np.logical_and(self._truncations, self._converged, out=self._truncations)

    def _finish_in_same_step(self) -> None:
        """Keep the last observations of lanes that are over, and start them anew."""
        over = np.flatnonzero(self._is_over).tolist()
        final = {name: self._infos[name][over] for name in EPISODE}
        parts = [f"cost_{cause}" for cause in self.engine.books.causes]
        lived = {name: self._infos[name][over] for name in (*self._of_interval, *parts)}
        rewards = self._rewards[over]
        self._infos["final_obs"][over] = self._observations[over]
        self._start(over, None)
        self._rewards[over] = rewards
        for name, values in final.items():
            self._infos[f"final_{name}"][over] = values
        for name, values in lived.items():
            self._infos[name][over] = values
        self._is_over[over] = False

    def _make_infos(self) -> dict[str, Any]:
        books, n = self.engine.books, self.num_envs
        infos: dict[str, Any] = {
            "cost": books.cost[:, :n].T,
            "safety": books.counted[:, :n].T,
            "energy_bought_mwh": books.bought[:, :n].T,
            "energy_sold_mwh": books.sold[:, :n].T,
            "converged": self._converged,
            "episode_cost": books.episode[0, :, :n].T,
            "episode_safety": books.episode[1, :, :n].T,
            "episode_reward": books.episode[2, :, :n].T,
            "episode_length": self.engine.scene.step_number,
        }
        for k, name in enumerate(SAFETY_PARTS):
            infos[f"safety_{name}"] = books.violation[k, :, :n].T
        market = {} if self.engine.market is None else self.engine.market.entries()
        infos |= {name: values[:, :n].T for name, values in market.items()}
        disturbed = self._disturbance_infos()
        infos |= disturbed
        self._of_interval = (*INTERVAL, *market, *disturbed)
        infos |= self._cost_parts()
        if self.autoreset_mode is AutoresetMode.SAME_STEP:
            infos["final_obs"] = np.zeros_like(self._observations)
            for name in EPISODE:
                infos[f"final_{name}"] = np.zeros_like(np.ascontiguousarray(infos[name]))
        return infos

    def _disturbance_infos(self) -> dict[str, NDArray[Any]]:
        """Return how many disturbances were in force by kind, and whom conditions wake."""
        stage, watch = self.engine.disturbances, self.engine.watch
        infos: dict[str, NDArray[Any]] = {}
        if stage is not None:
            for kind, count in zip(stage.schedule.kinds, stage.count, strict=True):
                infos[f"disturbance_{kind}"] = count
        if watch is not None:
            for condition, woken in zip(watch.conditions, watch.woken, strict=True):
                infos[f"condition_{condition.name}"] = woken.T
        return infos

    def _update_parts(self) -> None:
        if self._part_told is not self.engine.books.part:  # a device has named a new cause
            self._infos.update(self._cost_parts())

    def _cost_parts(self) -> dict[str, Array]:
        """Return the cost by cause, (num_envs, n_agent) each; 0 for who has no such cause."""
        books, n_agent = self.engine.books, len(self.agents)
        self._part_told = books.part
        return {
            f"cost_{cause}": books.part[k * n_agent : (k + 1) * n_agent, : self.num_envs].T
            for k, cause in enumerate(books.causes)
        }

    def _wanted_days(self, options: dict[str, Any], lanes: list[int]) -> list[int | None] | None:
        day = options.get("day")
        if day is None or isinstance(day, int | np.integer):
            one = wanted_day(options, self._env.n_day)
            return None if one is None else [one] * len(lanes)
        each = np.asarray(day)
        if each.shape != (self.num_envs,):
            raise ConfigError(f"day has shape {each.shape}, expected one, or {self.num_envs}")
        return [wanted_day({"day": d}, self._env.n_day) for d in each[lanes].tolist()]

    def _seed_lanes(self, seed: int | Sequence[int | None] | None, lanes: list[int]) -> None:
        if seed is None or isinstance(seed, int | np.integer):
            seeds = [None if seed is None else int(seed) + lane for lane in range(self.num_envs)]
        else:
            seeds = list(seed)
            if len(seeds) != self.num_envs:
                raise ConfigError(f"got {len(seeds)} seeds for {self.num_envs} lanes")
        for of_lane in (seeds[lane] for lane in lanes):
            if of_lane is not None and operator.index(of_lane) < 0:
                raise ConfigError(f"seed is {of_lane}, expected an integer of at least 0")
        for lane in lanes:
            of_lane = seeds[lane]
            if of_lane is not None or self._generators[lane] is None:
                first = self.config.seed
                if of_lane is None and first is not None:
                    of_lane = first + lane
                self._generators[lane], _ = seeding.np_random(of_lane)

    def _start(self, lanes: list[int], days: Sequence[int | None] | None) -> None:
        """Begin episodes, on days drawn by each lane unless given; try others where none solves."""
        source, has_noise = self._env.source, self.config.variability
        is_disturbed = bool(self._env.schedule)
        can_differ = has_noise or self._env.schedule is not None  # on the same day
        wanted = dict(zip(lanes, days or [None] * len(lanes), strict=True))
        left = lanes
        for _ in range(MAX_START_DAYS):
            rngs = cast("list[np.random.Generator]", [self._generators[lane] for lane in left])
            for lane, rng in zip(left, rngs, strict=True):
                day = wanted[lane]
                self._days[lane] = source.draw_day(rng) if day is None else day
            drawn = [self._days[lane] for lane in left]
            noise = [int(rng.integers(2**31)) if has_noise else None for rng in rngs]
            disturbing = [int(rng.integers(2**63)) if is_disturbed else None for rng in rngs]
            failed = self._start_lanes(left, drawn, noise, disturbing)
            if not failed:
                self._is_over[lanes] = False
                return
            left = [lane for lane in failed if wanted[lane] is None or can_differ]
            stuck = sorted(set(failed) - set(left))
            if stuck:
                break
        raise HeronError(
            f"the power flow did not converge at the start of lane(s) {left or stuck}: see what a "
            f"single environment says of it, {type(self._env).__name__}.reset"
        )

    def _start_lanes(
        self,
        lanes: list[int],
        days: list[int],
        noise: list[int | None],
        disturbing: list[int | None],
    ) -> list[int]:
        """Start lanes on these days; return those whose power flow found no solution."""
        engine, crew = self.engine, self._crew
        if engine.devices.hooked is None and len(lanes) < self.num_envs:
            return self._nursery.start(lanes, days, noise, disturbing, crew)
        crew.finish()
        for begin, end in runs(lanes, LONGEST):
            first, last = lanes[begin], lanes[end - 1] + 1
            engine.start(
                first, last, days[begin:end], noise[begin:end], crew, disturbing[begin:end]
            )
        return [lane for lane in lanes if engine.status[lane] != 0]

    @cached_property
    def _nursery(self) -> Nursery:
        return Nursery(self.engine, self._make_small)

    def _make_engine(self) -> Engine:
        return make_lane_engine(self._env, self.num_envs)

    def _make_small(self, n_lane: int) -> Any:
        return make_lane_engine(self._env, n_lane, initial=self.engine.scene.initial)

    def __getstate__(self) -> dict[str, Any]:
        raise TypeError(
            "a VectorGridEnv is not pickled: pickle what save_state() returns and load it into "
            "another one of the same configuration"
        )


# Infos of the interval, by agent, and of the episode so far.
INTERVAL = (
    "cost", "safety", "energy_bought_mwh", "energy_sold_mwh",
    *(f"safety_{part}" for part in SAFETY_PARTS),
)  # fmt: skip
EPISODE = ("episode_cost", "episode_safety", "episode_reward", "episode_length")


if TYPE_CHECKING:
    _: type[VectorMultiAgentEnv] = VectorGridEnv
