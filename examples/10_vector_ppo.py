"""Train one policy for all agents with PPO, over many lanes at once, on a page of PyTorch.

Parameter sharing: every agent of every lane is a row of one batch, and the observation says whose
row it is. After training the policy is played on days of the test year, beside doing nothing and
the rule of thumb, on the same seeds.

    python examples/10_vector_ppo.py                          # half a minute
    python examples/10_vector_ppo.py --total-steps 1000000    # a training worth the name
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.distributions import Normal

from powergrid.baselines import RuleBasedPolicy, rollout
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.envs.vector_grid_env import VectorGridEnv
from powergrid.setups.loader import load_setup

HOURS = 24  # an episode is a day, and so is what is collected for an update
REWARD_SCALE = 0.05  # a day's return of an agent is some hundred dollars; the learner sees tens
GAMMA, GAE_LAMBDA, CLIP = 0.99, 0.95, 0.2
N_EPOCH, N_MINIBATCH, LEARNING_RATE = 4, 4, 4e-3
N_TEST_DAY = 20


class ActorCritic(nn.Module):
    """A normal distribution of actions about a mean, and the value of an observation."""

    def __init__(self, n_obs: int, n_entry: int) -> None:
        super().__init__()
        self.mean, self.value = net(n_obs, n_entry, 0.01), net(n_obs, 1, 1.0)
        self.log_std = nn.Parameter(torch.full((n_entry,), -0.3))

    def policy(self, observations: torch.Tensor) -> Normal:
        """Return the distribution of actions."""
        return Normal(self.mean(observations), self.log_std.exp())


def net(n_in: int, n_out: int, gain: float) -> nn.Sequential:
    """Return two hidden layers and an output of small weights, or large ones."""
    layers = [nn.Linear(n_in, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, n_out)]
    nn.init.orthogonal_(layers[-1].weight, gain)
    return nn.Sequential(*layers)


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Train, then compare; return the mean return of a test day by policy [$]."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--num-envs", type=int, default=64, help="lanes (64)")
    parser.add_argument("--total-steps", type=int, default=150_000, help="of all lanes (150000)")
    parser.add_argument("--seed", type=int, default=0, help="of networks and episodes (0)")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)  # the batches are too small to share
    torch.manual_seed(args.seed)
    config = {**load_setup("ieee34_ieee13"), "normalize_obs": True, "max_episode_steps": HOURS}
    envs = VectorGridEnv(args.num_envs, config, autoreset_mode="SameStep")
    learner = ActorCritic(envs.single_observation_space.shape[1], len(envs.action_names))
    train(envs, learner, args.total_steps, args.seed)
    returns = compare(learner, {**config, "train": False}, args.seed)
    for name, value in returns.items():
        print(f"{name:12} {value:8.1f} $ a day")
    return returns


def train(envs: VectorGridEnv, learner: ActorCritic, total_steps: int, seed: int) -> None:
    """Collect a day of all lanes, improve on it, and so on."""
    n_update = max(total_steps // (HOURS * envs.num_envs), 1)
    optimizer = torch.optim.Adam(learner.parameters(), LEARNING_RATE, eps=1e-5)
    n_agent = len(envs.agents)
    shape = (HOURS, envs.num_envs * n_agent)
    observations = torch.zeros((*shape, envs.single_observation_space.shape[1]))
    actions = torch.zeros((*shape, len(envs.action_names)))
    log_prob, value, reward, not_over = (torch.zeros(shape) for _ in range(4))
    # What an agent has no device for has no effect, so it says nothing about its policy.
    mask = torch.tensor(envs.action_mask).repeat(envs.num_envs, 1).float()
    seen, _ = envs.reset(seed=seed)
    start, env_s = time.perf_counter(), 0.0
    for update in range(1, n_update + 1):
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * (1.0 - (update - 1) / n_update)
        day_return = np.zeros(envs.num_envs)
        for k in range(HOURS):
            observations[k] = torch.from_numpy(seen).flatten(0, 1)
            with torch.no_grad():
                policy = learner.policy(observations[k])
                actions[k] = policy.sample()
                log_prob[k] = (policy.log_prob(actions[k]) * mask).sum(-1)
                value[k] = learner.value(observations[k]).squeeze(-1)
            before = time.perf_counter()
            seen, paid, lost, late, _ = envs.step(
                actions[k].view(envs.num_envs, n_agent, -1).numpy()
            )
            env_s += time.perf_counter() - before
            reward[k] = torch.from_numpy(paid).flatten() * REWARD_SCALE
            # The day is all that counts, so nothing is expected of what comes after it.
            over = torch.from_numpy(lost | late)
            not_over[k] = (~over).float().repeat_interleave(n_agent)
            day_return += paid.sum(axis=1)
        with torch.no_grad():
            last = learner.value(torch.from_numpy(seen).flatten(0, 1)).squeeze(-1)
            advantage = advantages(reward, value, last, not_over)
        batch = [
            x.flatten(0, 1) for x in (observations, actions, log_prob, advantage, advantage + value)
        ]
        improve(learner, optimizer, [*batch, mask.repeat(HOURS, 1)])
        if update % max(n_update // 10, 1) == 0 or update == n_update:
            n_step, spent = update * HOURS * envs.num_envs, time.perf_counter() - start
            print(
                f"{n_step:8d} steps   {day_return.mean():8.1f} $ a day   "
                f"{n_step / spent:7.0f} steps/s, {env_s / spent:.0%} of it in the environment"
            )


def advantages(
    reward: torch.Tensor, value: torch.Tensor, last: torch.Tensor, not_over: torch.Tensor
) -> torch.Tensor:
    """Return the generalised advantage estimates, (n_step, n_row)."""
    result, ahead, after = torch.zeros_like(reward), torch.zeros_like(last), last
    for k in reversed(range(len(reward))):
        delta = reward[k] + GAMMA * not_over[k] * after - value[k]
        result[k] = ahead = delta + GAMMA * GAE_LAMBDA * not_over[k] * ahead
        after = value[k]
    return result


def improve(learner: ActorCritic, optimizer: torch.optim.Optimizer, batch: list[Any]) -> None:
    """Make some passes over a batch."""
    for _ in range(N_EPOCH):
        for rows in torch.randperm(len(batch[0])).chunk(N_MINIBATCH):
            seen, done, old_log_prob, advantage, wanted, mask = (x[rows] for x in batch)
            log_prob = (learner.policy(seen).log_prob(done) * mask).sum(-1)
            ratio = (log_prob - old_log_prob).exp()
            advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
            gain = torch.min(ratio * advantage, ratio.clamp(1 - CLIP, 1 + CLIP) * advantage)
            loss = 0.5 * (learner.value(seen).squeeze(-1) - wanted).square().mean() - gain.mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(learner.parameters(), 0.5)
            optimizer.step()


def compare(learner: ActorCritic, config: dict[str, Any], seed: int) -> dict[str, float]:
    """Play the same days by each policy; return mean returns [$ a day], summed over agents."""
    envs = VectorGridEnv(N_TEST_DAY, config, autoreset_mode="Disabled")
    returns = {}
    for name in ("learned", "do-nothing"):
        seen, _ = envs.reset(seed=seed)
        total = 0.0
        for _ in range(HOURS):
            with torch.no_grad():
                learned = learner.mean(torch.from_numpy(seen)).numpy()
            seen, paid, *_ = envs.step(learned if name == "learned" else envs.idle_actions())
            total += paid.sum() / N_TEST_DAY
        returns[name] = float(total)
    # Lane i of a batch with seed s is the single environment with seed s + i.
    env = MultiAgentMicrogrids(config)
    records = [rollout(env, RuleBasedPolicy(), seed=seed + day) for day in range(N_TEST_DAY)]
    returns["rule-based"] = float(np.mean([record.episode_return for record in records]))
    return returns


if __name__ == "__main__":
    main()
