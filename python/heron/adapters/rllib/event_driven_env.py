"""An event-driven environment as RLlib wants it: who acts observes, and is paid for what came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from ray.rllib.env.env_context import EnvContext
from ray.rllib.env.multi_agent_env import MultiAgentEnv

import heron
from heron.adapters.rllib.multi_agent_env import ALL, ByAgent
from heron.adapters.rllib.seeding import WorkerSeed
from heron.errors import ConfigError, HeronError

__all__ = ["EventDrivenMultiAgentEnv"]


class EventDrivenMultiAgentEnv(MultiAgentEnv):
    """RLlib's `MultiAgentEnv` over one lane of an environment that runs by events.

    `reset` and `step` return observations of those agents that are to act, as old as their
    observation delay, and `step` takes actions of the same. An agent's reward is all that it was
    paid since it acted last. When the episode ends, every agent observes and is paid once more, so
    that a value function can be bootstrapped.

    `BatchedEnvRunner` samples agents that act together; here RLlib's own runner is to be named,
    ``config.env_runners(env_runner_cls=MultiAgentEnvRunner)``.

    Parameters
    ----------
    config : mapping
        ``{"env": id, "env_config": {...}}``, with an id that `heron.make_vec` makes event-driven
        environments of. The timing is in ``env_config``.

    Attributes
    ----------
    envs : VectorMultiAgentEnv
        The lane.
    possible_agents : list[str]
        All agents.
    agents : list[str]
        Those of the last observation.

    Raises
    ------
    ConfigError
        If the mapping has other keys or nothing can be made of it.

    Examples
    --------
    >>> timing = {"coordinator": {"tick_interval": 1800.0}, "agents": {"MG2": {}}}
    >>> env = EventDrivenMultiAgentEnv(
    ...     {"env": "MultiAgentMicrogrids-v0", "env_config": {"timing": timing}}
    ... )
    >>> observations, _ = env.reset(seed=0)
    >>> actions = {agent: env.action_spaces[agent].sample() for agent in observations}
    >>> list(observations), list(env.step(actions)[0])
    (['MG1', 'MG2', 'MG3'], ['MG1', 'MG3'])
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        given = dict(config)
        given.pop("vector_config", None)  # `ppo_config` has it for `BatchedEnvRunner`
        if not set(given) <= {"env", "env_config"} or not isinstance(given.get("env"), str):
            raise ConfigError(
                f"EventDrivenMultiAgentEnv takes {{'env': id, 'env_config': {{...}}}}, got "
                f"{sorted(given)}"
            )
        # RLlib's EnvContext is a mapping that also knows which worker it is for.
        context: Any = config
        is_of_worker = isinstance(config, EnvContext)
        self._seed = WorkerSeed(context.worker_index or 0) if is_of_worker else None
        self.envs = heron.make_vec(
            given["env"], 1, event_driven=True, env_config=given.get("env_config")
        )
        names: list[str] = list(self.envs.agents)
        self.possible_agents = list(names)
        self.agents = list(self.possible_agents)
        seen, done = self.envs.single_observation_space, self.envs.single_action_space
        of_seen = spaces.Box(seen.low[0], seen.high[0], dtype=np.float32)
        of_done = spaces.Box(done.low[0], done.high[0], dtype=np.float32)
        self.observation_spaces = dict.fromkeys(self.possible_agents, of_seen)
        self.action_spaces = dict.fromkeys(self.possible_agents, of_done)
        self.observation_space = spaces.Dict(dict.fromkeys(names, of_seen))
        self.action_space = spaces.Dict(dict.fromkeys(names, of_done))
        self.metadata = dict(self.envs.metadata)
        self.render_mode = None
        self._actions = np.zeros((1, *done.shape), np.float32)
        self._owed = np.zeros(len(self.possible_agents))  # paid since each acted last
        self._is_running = False

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[ByAgent, ByAgent]:
        """Begin an episode, and run to its first decisions.

        What RLlib made, and resets to sample, takes its seeds as `WorkerSeed` says. (To check an
        environment RLlib resets it with options.)
        """
        if self._seed is not None and options is None:
            seed = self._seed(seed)
        observations, infos = self.envs.reset(
            seed=None if seed is None else [seed], options=dict(options or {})
        )
        self._owed[:] = 0.0
        self._is_running = True
        return self._of_acting(observations, infos)

    def step(  # type: ignore[override]  # RLlib's own signature is at odds with Gymnasium's
        self, action_dict: ByAgent
    ) -> tuple[ByAgent, ByAgent, ByAgent, ByAgent, ByAgent]:
        """Let those decide who are to, and run to the next decisions.

        Returns
        -------
        observations, rewards, terminateds, truncateds, infos : dict
            By agent; the two kinds of end also under ``"__all__"``. A time limit is said there
            alone: RLlib takes an episode for terminated whose agents are truncated one by one.
            Infos have ``time_s`` and ``age_s`` of what is observed.

        Raises
        ------
        HeronError
            If the episode is over, or actions are not those of the agents that are to act.
        """
        if not self._is_running:
            raise HeronError("step() without a running episode: call env.reset() first")
        if set(action_dict) != set(self.agents):
            raise HeronError(
                f"actions of {list(action_dict)}, expected those of {self.agents}, who are to act"
            )
        for agent, action in action_dict.items():
            self._actions[0, self.possible_agents.index(agent)] = action
        observations, rewards, terminated, truncated, infos = self.envs.step(self._actions)
        self._owed += rewards[0]
        ends = bool(terminated[0] or truncated[0])
        if ends:  # and the lane is in its next episode, which `reset` replaces
            self._is_running = False
            self.agents = list(self.possible_agents)
            seen: ByAgent = {a: infos["final_obs"][0, k].copy() for k, a in enumerate(self.agents)}
            told: ByAgent = {agent: {} for agent in self.agents}
        else:
            seen, told = self._of_acting(observations, infos)
        paid: ByAgent = {}
        for agent in self.agents:
            k = self.possible_agents.index(agent)
            paid[agent], self._owed[k] = float(self._owed[k]), 0.0
        terminateds: ByAgent = dict.fromkeys([*self.agents, ALL], bool(terminated[0]))
        truncateds: ByAgent = dict.fromkeys(self.agents, False)
        truncateds[ALL] = ends and not bool(terminated[0])
        return seen, paid, terminateds, truncateds, told

    def close(self) -> None:
        """Close the environment."""
        self.envs.close()

    def _of_acting(self, observations: Any, infos: Mapping[str, Any]) -> tuple[ByAgent, ByAgent]:
        """Take down who is to act, and return what they see, and when and how old it is."""
        acting = np.flatnonzero(infos["acting"][0])
        self.agents = [self.possible_agents[k] for k in acting]
        seen: ByAgent = {self.possible_agents[k]: observations[0, k].copy() for k in acting}
        told: ByAgent = {
            self.possible_agents[k]: {
                name: float(infos[name][0, k]) for name in ("time_s", "age_s")
            }
            for k in acting
        }
        return seen, told
