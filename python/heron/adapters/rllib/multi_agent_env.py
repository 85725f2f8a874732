"""A PettingZoo ParallelEnv as RLlib wants it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gymnasium import spaces
from ray.rllib.env.env_context import EnvContext
from ray.rllib.env.multi_agent_env import MultiAgentEnv

from heron.adapters.rllib.central.state_in_observations import WithState
from heron.adapters.rllib.entry import make_environment
from heron.adapters.rllib.seeding import WorkerSeed
from heron.errors import ConfigError, HeronError, nearest

__all__ = ["RLlibMultiAgentEnv"]

ALL = "__all__"  # RLlib's key for the whole environment
KEYS = ("env", "env_config", "vector_env", "vector_config", "with_state")

# RLlib lets an agent's id be anything that can be hashed; ours are strings.
ByAgent = dict[Any, Any]


class RLlibMultiAgentEnv(MultiAgentEnv):
    """RLlib's `MultiAgentEnv` over a PettingZoo `ParallelEnv`.

    Agents keep the order of ``possible_agents``, everywhere and in every process. An episode ends
    when the environment has no agents left: it is truncated if a time limit ended it for any of
    them, and terminated otherwise. The observations of that last step are passed on, so that a
    value function can be bootstrapped from them.

    Parameters
    ----------
    env : ParallelEnv, str, callable or mapping
        An environment; or what `make_environment` makes one of, with `env_config`; or, as RLlib
        hands it over, ``{"env": name or callable, "env_config": {...}}``. For `BatchedEnvRunner`
        the mapping may also have ``vector_env`` and ``vector_config``, the arguments of
        `make_vector_environment`. ``with_state`` lets agents observe the environment's state too;
        see `WithState`.
    env_config : mapping, optional
        Configuration of the environment, if `env` does not hold it.

    Attributes
    ----------
    parallel_env : ParallelEnv
        The environment itself.
    possible_agents : list[str]
        All agents.
    agents : list[str]
        The agents of the last `reset` or `step`, those included whose last step it was.
    observation_spaces, action_spaces : dict
        By agent.

    Raises
    ------
    ConfigError
        If the mapping has unknown keys or the environment cannot be made.

    Examples
    --------
    >>> env = RLlibMultiAgentEnv(
    ...     "powergrid.envs.multi_agent_microgrids:MultiAgentMicrogrids", {"max_episode_steps": 2}
    ... )
    >>> env.possible_agents
    ['MG1', 'MG2', 'MG3']
    """

    def __init__(
        self,
        env: Any,
        env_config: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        # RLlib's EnvContext is a mapping that also knows which worker it is for.
        self._seed = WorkerSeed(env.worker_index or 0) if isinstance(env, EnvContext) else None
        self.parallel_env = _parallel_env(env, env_config)
        wrapped = self.parallel_env
        self.possible_agents = list(wrapped.possible_agents)
        self.agents = list(self.possible_agents)
        self.observation_spaces = {a: wrapped.observation_space(a) for a in self.possible_agents}
        self.action_spaces = {a: wrapped.action_space(a) for a in self.possible_agents}
        self.observation_space = spaces.Dict(self._ordered(self.observation_spaces))
        self.action_space = spaces.Dict(self._ordered(self.action_spaces))
        # A copy, since RLlib's vector environment writes into it.
        self.metadata = dict(getattr(wrapped, "metadata", {}))
        self.render_mode = getattr(wrapped, "render_mode", None)
        self._terminated: set[str] = set()
        self._truncated: set[str] = set()

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[ByAgent, ByAgent]:
        """Begin an episode; see the environment's own `reset`.

        What RLlib made, and resets to sample, takes its seeds as `WorkerSeed` says. (To check an
        environment RLlib resets it with options.)
        """
        if self._seed is not None and options is None:
            seed = self._seed(seed)
        self._terminated.clear()
        self._truncated.clear()
        observations, infos = self.parallel_env.reset(
            seed=seed, options=None if options is None else dict(options)
        )
        self.agents = self._in_order(observations)
        return self._ordered(observations), self._ordered(infos)

    def step(  # type: ignore[override]  # RLlib's own signature is at odds with Gymnasium's
        self, action_dict: ByAgent
    ) -> tuple[ByAgent, ByAgent, ByAgent, ByAgent, ByAgent]:
        """Live through one step of the environment.

        Returns
        -------
        observations, rewards, terminateds, truncateds, infos : dict
            By agent; the two kinds of end also under ``"__all__"``, at most one of them true. Where
            a time limit ends the episode, ``truncateds`` says so under ``"__all__"`` alone: once
            every agent is known to be done, RLlib takes the episode, and each agent in it, for
            terminated, and values after the last step would count as 0.

        Raises
        ------
        HeronError
            If the episode is over.
        """
        if not self.parallel_env.agents:
            raise HeronError("step() without a running episode: call env.reset() first")
        observations, rewards, terminated, truncated, infos = self.parallel_env.step(
            self._ordered(action_dict)
        )
        self.agents = self._in_order(rewards)
        self._terminated.update(agent for agent, is_so in terminated.items() if is_so)
        self._truncated.update(agent for agent, is_so in truncated.items() if is_so)
        is_over = not self.parallel_env.agents
        terminateds: ByAgent = {agent: bool(terminated[agent]) for agent in self.agents}
        terminateds[ALL] = is_over and not self._truncated
        is_late = is_over and bool(self._truncated)
        truncateds: ByAgent = {a: bool(truncated[a]) for a in self.agents if not is_late}
        truncateds[ALL] = is_late
        return (
            self._ordered(observations),
            self._ordered(rewards),
            terminateds,
            truncateds,
            self._ordered(infos),
        )

    def render(self) -> Any:
        """Return or show what the environment draws."""
        return self.parallel_env.render()

    def close(self) -> None:
        """Close the environment."""
        self.parallel_env.close()

    def _in_order(self, by_agent: Mapping[Any, Any]) -> list[Any]:
        return [agent for agent in self.possible_agents if agent in by_agent]

    def _ordered(self, by_agent: Mapping[Any, Any]) -> ByAgent:
        known = {agent: by_agent[agent] for agent in self._in_order(by_agent)}
        # Keys that belong to no agent stay, for the environment to refuse.
        return {**known, **by_agent}


def _parallel_env(env: Any, env_config: Mapping[str, Any] | None) -> Any:
    if isinstance(env, Mapping):
        for key in env:
            if key not in KEYS:
                raise ConfigError(
                    f"RLlibMultiAgentEnv: {nearest(str(key), KEYS)}; the environment's own keys "
                    f"belong under env_config"
                )
        if "env" not in env or env_config is not None:
            raise ConfigError(
                "RLlibMultiAgentEnv takes one mapping {'env': ..., 'env_config': {...}}, in which "
                "'env' is a registered id, 'module:attribute', or a callable"
            )
        made = make_environment(env["env"], env.get("env_config"))
        return WithState(made) if env.get("with_state") else made
    if isinstance(env, str | type) or not hasattr(env, "possible_agents"):
        return make_environment(env, env_config)
    if env_config is not None:
        raise ConfigError("env_config is of no use to an environment that exists already")
    return env
