"""PPO over agents that share a policy, or have one each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig
from ray.rllib.env.multi_agent_env_runner import MultiAgentEnvRunner
from ray.rllib.policy.policy import PolicySpec

from heron.adapters.rllib.batched.env_runner import BatchedEnvRunner
from heron.adapters.rllib.entry import Entry, make_environment
from heron.adapters.rllib.learner.ppo_learner import ArrayPPOLearner
from heron.adapters.rllib.multi_agent_env import RLlibMultiAgentEnv
from heron.adapters.rllib.reward_scale import reward_scaling
from heron.adapters.rllib.worker_failures import StopIfWorkersFail
from heron.errors import ConfigError

__all__ = ["SHARED_POLICY", "own_policy", "ppo_config", "shared_policy"]

SHARED_POLICY = "shared_policy"


# Functions of a module, not lambdas: a checkpoint and remote workers find them by name.
def shared_policy(agent_id: Any, *args: Any, **kwargs: Any) -> str:
    """Map every agent to the one policy of all."""
    return SHARED_POLICY


def own_policy(agent_id: Any, *args: Any, **kwargs: Any) -> str:
    """Map every agent to a policy of its name."""
    return str(agent_id)


def ppo_config(
    env: Entry,
    env_config: Mapping[str, Any] | None = None,
    *,
    independent_policies: bool = False,
    normalize_obs: bool = True,
    reward_scale: float = 1.0,
    train_batch_size: int = 2000,
    num_env_runners: int = 0,
    num_envs_per_env_runner: int = 8,
    use_gpu: bool = False,
    seed: int = 0,
    hidden: tuple[int, ...] = (128, 128),
    **training: Any,
) -> PPOConfig:
    """Return a PPO configuration that is ready for ``build_algo()``.

    The environment is made once, for its agents and spaces, and closed again.

    Parameters
    ----------
    env : str or callable
        A registered id, ``"module:attribute"`` or a class; see `make_environment`.
    env_config : mapping, optional
        The environment's configuration.
    independent_policies : bool
        One policy for each agent, under the agent's name; otherwise all share one.
    normalize_obs : bool
        Ask the environment for scaled observations, unless `env_config` says whether it should.
        Set this to False for an environment that has no such key.
    reward_scale : float
        What the learner multiplies rewards by; reported returns are not scaled. Returns far from
        the order of 1 to 10 are slow to learn for a value function.
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
    **training
        More for ``PPOConfig.training``; it overrides what is set here.

    Raises
    ------
    ConfigError
        If one policy shall serve agents whose spaces differ.
    """
    config = dict(env_config or {})
    if normalize_obs:
        config.setdefault("normalize_obs", True)
    probe = make_environment(env, config)
    agents = list(probe.possible_agents)
    spaces = [(probe.observation_space(a), probe.action_space(a)) for a in agents]
    probe.close()
    is_uniform = all(pair == spaces[0] for pair in spaces)
    if not independent_policies and not is_uniform:
        sizes = ", ".join(
            f"{a}: {o.shape} and {c}" for a, (o, c) in zip(agents, spaces, strict=True)
        )
        raise ConfigError(
            f"one policy cannot serve agents of different spaces ({sizes}): set uniform_spaces in "
            f"the environment's configuration, or choose independent_policies=True"
        )
    policies = agents if independent_policies else [SHARED_POLICY]
    return (
        PPOConfig()
        .environment(RLlibMultiAgentEnv, env_config={"env": env, "env_config": config})
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
            policies={name: PolicySpec() for name in policies},
            policy_mapping_fn=own_policy if independent_policies else shared_policy,
        )
        .rl_module(
            model_config=DefaultModelConfig(
                fcnet_hiddens=list(hidden),
                fcnet_activation="tanh",
                vf_share_layers=False,
            )
        )
        .learners(num_learners=0, num_gpus_per_learner=1 if use_gpu else 0)
        .training(
            **{
                "lr": 1e-3,
                "gamma": 0.95,  # a horizon of 20 steps: with hours, most of a day
                "lambda_": 0.95,
                "train_batch_size": train_batch_size,
                "minibatch_size": min(128, train_batch_size),
                "num_epochs": 10,
                "entropy_coeff": 0.0,
                "use_kl_loss": False,
                # Returns are a sum over an episode: without this the value loss would be cut off.
                "vf_clip_param": float("inf"),
                "grad_clip": 0.5,
                "learner_class": ArrayPPOLearner,
                "learner_connector": partial(reward_scaling, reward_scale),
                **training,
            }
        )
        # A worker that is killed is replaced, within the iteration.
        .fault_tolerance(restart_failed_env_runners=True, delay_between_env_runner_restarts_s=1.0)
        .reporting(min_sample_timesteps_per_iteration=1)
        .callbacks(StopIfWorkersFail)
        .debugging(seed=seed, log_level="ERROR")
    )
