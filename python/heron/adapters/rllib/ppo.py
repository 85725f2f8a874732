"""PPO for agents that share a policy or not, with critics of their own or a central one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from gymnasium.spaces import Box
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.env.multi_agent_env_runner import MultiAgentEnvRunner
from ray.rllib.policy.policy import PolicySpec

from heron.adapters.rllib.batched.env_runner import BatchedEnvRunner
from heron.adapters.rllib.central.actor_critic import ActorCritic
from heron.adapters.rllib.central.state_in_observations import WithState, n_own
from heron.adapters.rllib.entry import Entry, make_environment
from heron.adapters.rllib.learner.ppo_learner import ArrayPPOLearner
from heron.adapters.rllib.learner.safety_multiplier import Lagrangian
from heron.adapters.rllib.multi_agent_env import RLlibMultiAgentEnv
from heron.adapters.rllib.reward_scale import reward_scaling
from heron.adapters.rllib.sharing import PolicyMapping, own_policy, policies_of, shared_policy
from heron.adapters.rllib.worker_failures import StopIfWorkersFail

__all__ = ["ippo_config", "mappo_config", "ppo_config"]


def ppo_config(
    env: Entry,
    env_config: Mapping[str, Any] | None = None,
    *,
    share: str = "all",
    central_critic: bool = False,
    lagrangian: Lagrangian | Mapping[str, Any] | None = None,
    finite_horizon: bool = False,
    normalize_obs: bool = True,
    reward_scale: float = 1.0,
    total_steps: int | None = None,
    train_batch_size: int = 2000,
    num_env_runners: int = 0,
    num_envs_per_env_runner: int = 8,
    use_gpu: bool = False,
    seed: int = 0,
    hidden: tuple[int, ...] = (128, 128),
    log_std: float = -0.5,
    **training: Any,
) -> PPOConfig:
    """Return a PPO configuration that is ready for ``build_algo()``.

    The environment is made once, for its agents and spaces, and closed again.

    Parameters
    ----------
    env : str or callable
        A registered id, such as the name of a shipped setup, ``"module:attribute"`` or a class; see
        `make_environment`.
    env_config : mapping, optional
        The environment's configuration.
    share : str
        "all": one policy for all agents; "by_type": one for each of the environment's
        ``agent_types``; "none": one for each agent, under its name.
    central_critic : bool
        Let critics, not actors, see the environment's ``state()`` (MAPPO); see `ActorCritic`.
    lagrangian : Lagrangian or mapping, optional
        Raise the price of violations until an episode has few enough; see `SafetyMultiplier`.
    finite_horizon : bool
        Whether a time limit is the end, so that nothing counts that would come after it: what to
        choose if episodes are judged by their returns. Otherwise an episode that is cut off has
        the value of going on.
    normalize_obs : bool
        Ask the environment for scaled observations, unless `env_config` says whether it should.
        Set this to False for an environment that has no such key.
    reward_scale : float
        What the learner multiplies rewards by; reported returns are not scaled. Returns far from
        the order of 1 to 10 are slow to learn for a value function.
    total_steps : int, optional
        Environment steps of the training, over which the learning rate falls to a hundredth.
        Otherwise it stays.
    train_batch_size : int
        Environment steps of one iteration.
    num_env_runners : int
        Processes that sample; 0 samples in this one.
    num_envs_per_env_runner : int
        Environments of each of them, stepped together; see `BatchedEnvRunner`. One by one where
        agents have different spaces.
    use_gpu : bool
        Whether the learner uses a GPU.
    seed : int
        Of the networks and, with the number of the process, of the episodes.
    hidden : tuple of int
        Units of each hidden layer, of the policy and of the value function.
    log_std : float
        Logarithm of the actions' standard deviation, to begin with; actions are in [-1, 1].
    **training
        More for ``PPOConfig.training``; it overrides what is set here.

    Raises
    ------
    ConfigError
        If one policy shall serve agents whose spaces differ, or an argument makes no sense.
    """
    config = dict(env_config or {})
    if normalize_obs:
        config.setdefault("normalize_obs", True)
    probe = make_environment(env, config)
    n_seen = n_own(probe) if central_critic else None
    groups = policies_of(WithState(probe) if central_critic else probe, share)
    is_plain = all(
        isinstance(space, Box) and len(space.shape) == 1
        for agent in probe.possible_agents
        for space in (probe.observation_space(agent), probe.action_space(agent))
    )
    spaces = [(probe.observation_space(a), probe.action_space(a)) for a in probe.possible_agents]
    is_uniform = all(pair == spaces[0] for pair in spaces)
    is_shared = bool(getattr(probe, "share_reward", False))
    probe.close()
    entry: dict[str, Any] = {
        "env": env,
        "env_config": config,
        # Lanes then waste no step between episodes.
        "vector_config": {"autoreset_mode": "SameStep"},
    }
    if central_critic:
        entry["with_state"] = True
    learner: dict[str, Any] = {"finite_horizon": finite_horizon}
    if lagrangian is not None:
        learner |= {"lagrangian": Lagrangian.of(lagrangian), "share_reward": is_shared}
    lr = training.pop("lr", 1e-3)
    if total_steps is not None and not isinstance(lr, list):
        lr = [[0, lr], [total_steps, 0.01 * lr]]
    return (
        PPOConfig()
        .environment(RLlibMultiAgentEnv, env_config=entry)
        .framework("torch")
        .env_runners(
            # Lanes are arrays of agents with the same spaces.
            env_runner_cls=BatchedEnvRunner if is_uniform else MultiAgentEnvRunner,
            num_env_runners=num_env_runners,
            num_envs_per_env_runner=num_envs_per_env_runner,
            # Episodes stay whole, so that every iteration reports the returns of complete ones.
            batch_mode="complete_episodes",
        )
        .multi_agent(
            # A dict: the order of a set, and with it the initial weights, differ by process.
            policies={name: PolicySpec() for name in groups},
            policy_mapping_fn=_mapping(groups, share),
        )
        .rl_module(**_modules(groups, n_seen, hidden, log_std, is_plain=is_plain))
        .learners(
            num_learners=0,
            num_gpus_per_learner=1 if use_gpu else 0,
            learner_class=ArrayPPOLearner,
            learner_connector=partial(reward_scaling, reward_scale),
            learner_config_dict=learner,
        )
        .training(
            **{
                "lr": lr,
                "gamma": 0.95,  # a horizon of 20 steps: with hours, most of a day
                "lambda_": 0.95,
                "train_batch_size": train_batch_size,
                "minibatch_size": min(128, train_batch_size),
                "num_epochs": 10,
                "entropy_coeff": 0.0,
                "use_kl_loss": False,
                # Returns are a sum over an episode: without this the value loss would be cut off.
                "vf_clip_param": float("inf"),
                "vf_loss_coeff": 0.5,
                "grad_clip": 0.5,
                **training,
            }
        )
        # A worker that is killed is replaced, within the iteration.
        .fault_tolerance(restart_failed_env_runners=True, delay_between_env_runner_restarts_s=1.0)
        .reporting(min_sample_timesteps_per_iteration=1)
        .callbacks(StopIfWorkersFail)
        .debugging(seed=seed, log_level="ERROR")
    )


def mappo_config(
    env: Entry, env_config: Mapping[str, Any] | None = None, **kwargs: Any
) -> PPOConfig:
    """Return `ppo_config` with a central critic, and one policy for all agents if not said else."""
    return ppo_config(env, env_config, **{"central_critic": True, **kwargs})


def ippo_config(
    env: Entry, env_config: Mapping[str, Any] | None = None, **kwargs: Any
) -> PPOConfig:
    """Return `ppo_config` with a policy and a critic for each agent."""
    return ppo_config(env, env_config, **{"share": "none", **kwargs})


def _mapping(groups: Mapping[str, list[str]], share: str) -> Any:
    if share != "by_type":
        return shared_policy if share == "all" else own_policy
    return PolicyMapping({agent: name for name, agents in groups.items() for agent in agents})


def _modules(
    groups: Mapping[str, list[str]],
    n_seen: int | None,
    hidden: tuple[int, ...],
    log_std: float,
    *,
    is_plain: bool,
) -> dict[str, Any]:
    """Return what ``rl_module`` takes: RLlib's own networks for spaces that are not plain Boxes."""
    if not is_plain:
        return {
            "model_config": DefaultModelConfig(
                fcnet_hiddens=list(hidden), fcnet_activation="tanh", vf_share_layers=False
            )
        }
    # One specification for all, so that RLlib makes those who sample do without critics.
    return {
        "rl_module_spec": RLModuleSpec(
            module_class=ActorCritic,
            model_config={
                "n_own": n_seen,
                "hidden": list(hidden),
                "log_std": log_std,
                "policy_of": {agent: name for name, agents in groups.items() for agent in agents},
            },
        )
    }
