"""Both runners do the same, and both learners learn from the same: checked before any second."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from ray.rllib.algorithms.ppo.torch.ppo_torch_learner import PPOTorchLearner
from ray.rllib.env.multi_agent_env_runner import MultiAgentEnvRunner
from ray.rllib.env.multi_agent_episode import MultiAgentEpisode
from ray.rllib.utils.spaces.space_utils import unsquash_action
from speed.measure import WrongAnswerError

from heron.adapters.rllib import ArrayPPOLearner, BatchedEnvRunner
from sampling_speed.problem import EPISODE, make_config

__all__ = ["check_learner", "check_runner"]

WITHIN = 1e-5  # of networks: rows of another batch are summed in another order


def check_runner(n_env: int) -> float:
    """Demand that episodes without exploration are those of RLlib's runner; return the difference.

    Flags, lengths and agents are the same; actions, and what follows from them, within `WITHIN`;
    and the environment answers to RLlib's actions with the same bits.
    """
    stock, batched = (
        kind(config=make_config(n_env)) for kind in (MultiAgentEnvRunner, BatchedEnvRunner)
    )
    batched.module.set_state(stock.module.get_state())
    n = (EPISODE + 3) * n_env  # whole episodes, and the beginnings of the next
    theirs, ours = (r.sample(num_timesteps=n, explore=False) for r in (stock, batched))
    if len(theirs) != len(ours):
        raise WrongAnswerError(f"{len(ours)} episodes, expected {len(theirs)}")
    error = max(_difference(a, b) for a, b in zip(theirs, ours, strict=True))
    if error > WITHIN:
        raise WrongAnswerError(f"episodes differ by {error:g}, expected at most {WITHIN:g}")
    _replay(theirs[:n_env], batched.env)
    stock.stop()
    batched.stop()
    return error


def check_learner(n_env: int) -> None:
    """Demand that train batches equal those of RLlib's pipeline bit for bit."""
    config = make_config(n_env)
    runner = BatchedEnvRunner(config=config)
    episodes = runner.sample(num_timesteps=(EPISODE + 3) * n_env, explore=True)
    spec = config.get_multi_rl_module_spec(env=runner.env, spaces=runner.get_spaces())
    made = []
    with _agents_in_order():
        for kind in (PPOTorchLearner, ArrayPPOLearner):
            torch.manual_seed(0)
            learner = kind(config=config, module_spec=spec)
            learner.build()
            connect = learner._learner_connector
            made.append(
                connect(
                    rl_module=learner.module,
                    batch={},
                    episodes=copy.deepcopy(episodes),
                    shared_data={},
                )
            )
    runner.stop()
    theirs, ours = (next(iter(of_modules.values())) for of_modules in made)
    if set(theirs) != set(ours):
        raise WrongAnswerError(f"columns {sorted(ours)}, expected {sorted(theirs)}")
    for column, values in theirs.items():
        if not torch.equal(values, ours[column]):
            raise WrongAnswerError(f"the train batch's column {column} is not RLlib's")


def _difference(theirs: MultiAgentEpisode, ours: MultiAgentEpisode) -> float:
    for name in ("env_t", "env_t_started", "is_terminated", "is_truncated", "agent_ids"):
        got, expected = getattr(ours, name), getattr(theirs, name)
        if got != expected:
            raise WrongAnswerError(f"{name} of an episode is {got}, expected {expected}")
    most = 0.0
    for agent, a in theirs.agent_episodes.items():
        b = ours.agent_episodes[agent]
        pairs = [(a.observations, b.observations), (a.actions, b.actions), (a.rewards, b.rewards)]
        pairs += [(v, b.extra_model_outputs[k]) for k, v in a.extra_model_outputs.items()]
        for x, y in pairs:
            scale = np.maximum(1.0, np.abs(x.data))
            most = max(most, float((np.abs(x.data - y.data) / scale).max()))
    return most


def _replay(episodes: Sequence[MultiAgentEpisode], lanes: Any) -> None:
    """Demand that the vector answers to the actions of first episodes as the environments did."""
    lanes._seed._last = None  # let the same seed count again
    observations, _ = lanes.reset(seed=make_config(1).seed)
    agents = lanes.possible_agents
    for step in range(EPISODE):
        _compare(observations, episodes, agents, "observations", step)
        actions = np.stack(
            [
                [
                    unsquash_action(e.agent_episodes[a].actions.data[step], lanes.action_spaces[a])
                    for a in agents
                ]
                for e in episodes
            ]
        )
        observations, rewards, *_ = lanes.step(actions)
        _compare(rewards, episodes, agents, "rewards", step)
    _compare(observations, episodes, agents, "observations", EPISODE)


def _compare(
    values: Any, episodes: Sequence[MultiAgentEpisode], agents: Sequence[str], name: str, step: int
) -> None:
    expected = [[getattr(e.agent_episodes[a], name).data[step] for a in agents] for e in episodes]
    if not np.array_equal(values, np.array(expected)):
        raise WrongAnswerError(f"{name} of step {step} are not those of RLlib's environments")


@contextmanager
def _agents_in_order() -> Iterator[None]:
    """Let RLlib's pipeline take agents in the environment's order, not in that of a set of names.

    The order is seen in the last digits of the advantages: their mean is over the whole batch.
    """
    kept = MultiAgentEpisode.agent_ids
    MultiAgentEpisode.agent_ids = property(lambda episode: list(episode.agent_episodes))
    try:
        yield
    finally:
        MultiAgentEpisode.agent_ids = kept
