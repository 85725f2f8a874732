"""What the batched runner draws, and what it says of it to the learner."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("ray.rllib", reason="needs the extra multi_agent")

import torch
from scipy import stats

pytestmark = pytest.mark.filterwarnings("ignore:.*Overriding environment rllib:UserWarning")


def columns(episodes, *names):
    """Return columns of all agents of all episodes, end to end."""
    agents = [of_agent for e in episodes for of_agent in e.agent_episodes.values()]
    found = [[a.get_extra_model_outputs(n) if n != "actions" else a.get_actions() for a in agents]
             for n in names]  # fmt: skip
    return [np.concatenate(of_name) for of_name in found]


def logp_of(logits, actions):
    mean, log_std = np.split(logits.astype(np.float64), 2, axis=-1)
    z = (actions - mean) / np.exp(log_std)
    return (-0.5 * z**2 - log_std - 0.5 * np.log(2.0 * np.pi)).sum(-1)


def test_log_probabilities_are_those_of_the_stored_logits(both):
    for settings in ({}, {"module": None}):
        _, ours = both(**settings)
        episodes = ours.sample(num_timesteps=400, explore=True)
        logits, actions, logp = columns(episodes, "action_dist_inputs", "actions", "action_logp")
        np.testing.assert_allclose(logp, logp_of(logits, actions), rtol=1e-6, atol=1e-6)


def test_logits_are_those_of_the_module_that_serves_the_agent(both, mappings):
    _, ours = both(policies=("even", "odd"), mapping=mappings.by_episode)
    ours.module["odd"].gain.data.fill_(-3.0)
    served = set()
    for n in (40, 40):
        for episode in ours.sample(num_timesteps=n, explore=True):
            for agent, of_agent in episode.agent_episodes.items():
                assert of_agent.module_id == mappings.by_episode(agent, episode)
                gain = {"even": 0.5, "odd": -3.0}[of_agent.module_id]
                mean = of_agent.get_extra_model_outputs("action_dist_inputs")[:, :2]
                seen = of_agent.get_observations()[:-1, :2]
                assert np.array_equal(mean, np.float32(gain) * seen)
                served.add((agent, of_agent.module_id))
    assert len(served) == 6


def test_stateful_and_stateless_modules_may_serve_beside_each_other(both, modules, mappings):
    from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec

    from heron.adapters.rllib.batched.env_runner import BatchedEnvRunner

    _, probe = both()
    config = probe.config.copy(copy_frozen=False)
    config.multi_agent(policies={"even", "odd"}, policy_mapping_fn=mappings.by_episode)
    config.rl_module(
        rl_module_spec=MultiRLModuleSpec(
            rl_module_specs={
                "even": RLModuleSpec(modules.Counting, model_config={"max_seq_len": 3}),
                "odd": RLModuleSpec(modules.Elementwise),
            }
        )
    )
    runner = BatchedEnvRunner(config=config)
    n_counting = 0
    for n in (25, 3, 30):
        for episode in runner.sample(num_timesteps=n, explore=True):
            for of_agent in episode.agent_episodes.values():
                assert len(of_agent) == len(episode)
                extra = of_agent.extra_model_outputs
                assert ("state_out" in extra) == (of_agent.module_id == "even")
                if of_agent.module_id == "even":
                    n_counting += 1
                    count = of_agent.get_extra_model_outputs("state_out")["n"][:, 0]
                    steps = range(of_agent.t_started + 1, of_agent.t + 1)
                    assert count.tolist() == list(steps)
    assert n_counting > 10


def test_draws_have_the_distribution_of_rllibs_own_runner(both):
    stock, ours = both(env_config={"n_agent": 2}, seed=11)
    noise, sums = [], []
    for runner in (stock, ours):
        episodes = [e for _ in range(6) for e in runner.sample(num_timesteps=500, explore=True)]
        logits, actions = columns(episodes, "action_dist_inputs", "actions")
        mean, log_std = np.split(logits, 2, axis=-1)
        noise.append((actions - mean) / np.exp(log_std))
        sums.append([e.get_return() for e in episodes if e.is_done and e.env_t_started == 0])
    for drawn in noise:
        assert len(drawn) > 5000
        for entry in drawn.T:
            assert stats.kstest(entry, "norm").pvalue > 1e-3
        assert abs(np.corrcoef(drawn.T)[0, 1]) < 4.0 / np.sqrt(len(drawn))
    assert stats.ks_2samp(*(n.ravel() for n in noise)).pvalue > 1e-3
    assert stats.ks_2samp(*sums).pvalue > 1e-3


def test_draws_of_rows_and_steps_are_apart(both):
    _, ours = both(env_config={"hazard": 0.0, "n_step": 50})
    episodes = ours.sample(num_episodes=4, explore=True)
    rows = []
    for episode in episodes:
        for of_agent in episode.agent_episodes.values():
            logits = of_agent.get_extra_model_outputs("action_dist_inputs")
            rows.append((of_agent.get_actions() - logits[:, :2])[:, 0])
    rows = np.array(rows)
    of_pairs = np.corrcoef(rows)[np.triu_indices(len(rows), 1)]
    assert np.abs(of_pairs).max() < 0.6
    following = np.corrcoef(rows[:, :-1].ravel(), rows[:, 1:].ravel())[0, 1]
    assert abs(following) < 4.0 / np.sqrt(rows.size)


def test_equal_seeds_draw_equal_episodes(make_config, ray_here):
    from heron.adapters.rllib.batched.env_runner import BatchedEnvRunner

    def drawn(seed):
        runner = BatchedEnvRunner(config=make_config(seed=seed))
        torch.manual_seed(seed)
        return columns(runner.sample(num_timesteps=60, explore=True), "actions")[0]

    first, again, other = drawn(5), drawn(5), drawn(6)
    assert np.array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)


@pytest.mark.parametrize("normalize", [True, False])
def test_the_environment_gets_scaled_or_clipped_actions_and_episodes_keep_what_was_drawn(
    both, monkeypatch, normalize
):
    from ray.rllib.utils.spaces.space_utils import clip_action, unsquash_action

    from heron.adapters.rllib.batched.env_runner import BatchedEnvRunner

    _, probe = both(env_config={"hazard": 0.0})
    config = probe.config.copy(copy_frozen=False)
    config.environment(normalize_actions=normalize, clip_actions=not normalize)
    runner = BatchedEnvRunner(config=config)
    given, step = [], runner.env.vector.step
    monkeypatch.setattr(runner.env.vector, "step", lambda a: (given.append(a.copy()), step(a))[1])
    change = unsquash_action if normalize else clip_action
    n_changed = 0
    for lane, episode in enumerate(runner.sample(num_timesteps=24, explore=True)):
        for number, (agent, of_agent) in enumerate(episode.agent_episodes.items()):
            space = runner.env.single_action_spaces[agent]
            for k, drawn in enumerate(of_agent.get_actions()):
                assert np.array_equal(given[k][lane, number], change(drawn, space))
                n_changed += not np.array_equal(drawn, given[k][lane, number])
    assert n_changed > 5
