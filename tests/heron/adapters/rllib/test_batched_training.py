"""Algorithms that sample with the batched runner: here, in workers, for evaluation."""

from __future__ import annotations

import gc
import json
import math
import tracemalloc
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("ray.rllib", reason="needs the extra multi_agent")

GRID = "powergrid.envs.multi_agent_microgrids:MultiAgentMicrogrids"

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*Overriding environment rllib:UserWarning"),
    pytest.mark.usefixtures("ray_here"),
]


@pytest.fixture
def training(make_config):
    """Return what makes an algorithm's configuration."""
    from heron.adapters.rllib.batched.env_runner import BatchedEnvRunner

    def make(*args, train_batch_size=64, **kwargs):
        kwargs = {"env_runner_cls": BatchedEnvRunner, "num_env_runners": 0, **kwargs}
        return make_config(*args, **kwargs).training(
            train_batch_size_per_learner=train_batch_size, minibatch_size=32, num_epochs=2
        )

    return make


def test_training_samples_what_was_asked_for_and_hands_on_weights(training):
    algorithm = training(module=None).build_algo()
    runner = algorithm.env_runner
    assert runner.is_batched
    for number in range(1, 4):
        result = algorithm.train()
        n_lifetime = result["env_runners"]["num_env_steps_sampled_lifetime"]
        assert 64 * number <= n_lifetime <= 67 * number
        assert result["env_runners"]["weights_seq_no"] == number - 1
    assert np.isfinite(result["env_runners"]["episode_return_mean"])
    learned = algorithm.learner_group.get_weights()["all"]
    sampling = runner.get_state(components="rl_module")["rl_module"]["all"]
    for name, values in sampling.items():
        assert np.array_equal(values, learned[name]), name
    algorithm.stop()


def test_a_worker_of_its_own_samples_whole_episodes_and_gets_new_weights(training):
    from heron.adapters.rllib import shared_policy

    algorithm = training(
        GRID,
        {"max_episode_steps": 3, "normalize_obs": True},
        policies=("shared_policy",),
        mapping=shared_policy,
        module=None,
        num_env_runners=1,
        num_envs_per_env_runner=6,
        batch_mode="complete_episodes",
        train_batch_size=32,
    ).build_algo()
    results = [algorithm.train()["env_runners"] for _ in range(2)]
    assert [r["num_episodes"] for r in results] == [12, 12]
    assert [r["episode_len_mean"] for r in results] == [3.0, 3.0]
    # Seeds count once: the second time other days are sampled.
    assert results[0]["episode_return_max"] != results[1]["episode_return_max"]
    assert {"cost", "safety"} <= set(results[0]["episode_infos_mean"])
    (state,) = algorithm.env_runner_group.foreach_env_runner(
        lambda runner: (runner.is_batched, runner.get_state(components="rl_module")),
        local_env_runner=False,
    )
    learned = algorithm.learner_group.get_weights()["shared_policy"]
    assert state[0]
    for name, values in state[1]["rl_module"]["shared_policy"].items():
        assert np.array_equal(values, learned[name]), name
    algorithm.stop()


@pytest.mark.parametrize(("unit", "duration"), [("episodes", 5), ("timesteps", 9)])
def test_evaluation_counts_as_rllib_does_and_does_not_explore(training, unit, duration):
    config = training(module=None).evaluation(
        evaluation_interval=1,
        evaluation_duration=duration,
        evaluation_duration_unit=unit,
        evaluation_config={"explore": False, "env_config": {"env_config": {"hazard": 0.0}}},
    )
    algorithm = config.build_algo()
    assert algorithm.eval_env_runner.is_batched
    reported = algorithm.evaluate()["env_runners"]
    if unit == "episodes":
        assert reported["num_episodes"] >= duration
        assert reported["episode_len_mean"] == 7.0
    else:
        assert reported["num_env_steps_sampled"] == 12  # whole steps of four lanes
    first, again = (
        algorithm.eval_env_runner.sample(num_timesteps=4, force_reset=True) for _ in range(2)
    )
    for episode in [*first, *again]:
        for of_agent in episode.agent_episodes.values():
            logits = of_agent.get_extra_model_outputs("action_dist_inputs")
            assert np.array_equal(of_agent.get_actions(), logits[:, :2])
    algorithm.stop()


def test_environments_that_fail_are_made_anew_and_what_is_complete_is_kept(training, caplog):
    config = training().fault_tolerance(restart_failed_sub_environments=True)
    algorithm = config.build_algo()
    runner = algorithm.env_runner
    kept = runner.sample(num_timesteps=8, explore=False)
    vector, step = runner.env.vector, runner.env.vector.step
    calls = []

    def fail_at_the_eighth(actions):
        calls.append(None)
        if len(calls) == 8:
            raise RuntimeError("the environment is gone")
        return step(actions)

    vector.step = fail_at_the_eighth
    episodes = runner.sample(num_timesteps=80, explore=False)
    assert runner.env.vector is not vector
    assert "the environment is gone" in caplog.text
    began = {e.id_ for e in kept}
    done = [e for e in episodes if e.is_done]
    assert any(e.id_ in began for e in done)  # from before the failure
    assert sum(len(e) for e in episodes if e.env_t_started == 0 and e.id_ not in began) >= 80
    metrics = runner.get_metrics()
    assert len(metrics["episode_return_mean"]) >= 1
    algorithm.stop()


def test_an_environment_that_fails_for_good_stops_sampling(training):
    algorithm = training().build_algo()

    def fail(actions):
        raise RuntimeError("the environment is gone")

    algorithm.env_runner.env.vector.step = fail
    with pytest.raises(RuntimeError):
        algorithm.env_runner.sample(num_timesteps=4)
    algorithm.stop()


def test_a_module_that_is_added_serves_from_the_next_sample_on(training, mappings):
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec

    algorithm = training().build_algo()
    runner = algorithm.env_runner
    runner.sample(num_timesteps=8)
    spec = RLModuleSpec.from_module(runner.module["all"])
    algorithm.add_module(
        "another",
        spec,
        new_agent_to_module_mapping_fn=lambda agent_id, *a, **k: (
            "another" if agent_id == "mia" else "all"
        ),
    )
    episodes = runner.sample(num_timesteps=60)
    ongoing = [e for e in episodes if not e.is_done]  # begun since, for none has eight steps
    assert {e.agent_episodes["mia"].module_id for e in ongoing} == {"another"}
    assert {e.agent_episodes["zoe"].module_id for e in ongoing} == {"all"}
    algorithm.stop()


def test_a_worker_for_evaluation_has_the_newest_weights_and_does_not_explore(training):
    from heron.adapters.rllib import shared_policy

    config = training(
        GRID,
        {"max_episode_steps": 2, "normalize_obs": True},
        policies=("shared_policy",),
        mapping=shared_policy,
        module=None,
        num_cpus_per_env_runner=0,  # Ray has one CPU here
    ).evaluation(
        evaluation_interval=1,
        evaluation_num_env_runners=1,
        evaluation_duration=8,
        evaluation_config={"explore": False},
    )
    algorithm = config.build_algo()
    reported = algorithm.train()["evaluation"]["env_runners"]
    assert reported["num_episodes"] == 8
    assert {"cost", "safety"} <= set(reported["episode_infos_mean"])

    def sample(runner):
        (episode, *_) = runner.sample(num_episodes=1)
        of_agent = episode.agent_episodes["MG2"]
        logits = of_agent.get_extra_model_outputs("action_dist_inputs")
        weights = runner.get_state(components="rl_module")["rl_module"]["shared_policy"]
        return runner.is_batched, of_agent.get_actions(), logits, weights

    ((is_batched, actions, logits, weights),) = algorithm.eval_env_runner_group.foreach_env_runner(
        sample, local_env_runner=False
    )
    assert is_batched
    assert np.array_equal(actions, logits[:, : actions.shape[1]])
    learned = algorithm.learner_group.get_weights()["shared_policy"]
    for name, values in weights.items():
        assert np.array_equal(values, learned[name]), name
    algorithm.stop()


def test_a_worker_that_is_killed_while_it_samples_is_replaced(tmp_path):
    import os
    import signal

    from heron.adapters.rllib import ppo_config
    from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids

    order = tmp_path / "die"

    def make(env_config):
        env = MultiAgentMicrogrids(env_config)
        step, calls = env.step, []

        def step_or_die(actions):
            calls.append(None)
            if order.exists() and len(calls) % 4 == 3:
                order.unlink()
                os.kill(os.getpid(), signal.SIGKILL)
            return step(actions)

        env.step = step_or_die
        return env

    algorithm = ppo_config(
        make,
        {"max_episode_steps": 4},
        num_env_runners=1,
        num_envs_per_env_runner=3,
        train_batch_size=24,
        num_epochs=1,
    ).build_algo()

    def ask_worker():
        ((pid, weights),) = algorithm.env_runner_group.foreach_env_runner(
            lambda runner: (os.getpid(), runner.get_state(components="rl_module")["rl_module"]),
            local_env_runner=False,
        )
        return pid, weights["shared_policy"]

    algorithm.train()
    first, _ = ask_worker()
    order.touch()
    result = algorithm.train()
    assert not order.exists()  # the worker died
    second, weights = ask_worker()
    assert second not in (first, os.getpid())
    assert result["env_runners"]["num_env_steps_sampled"] >= 24
    assert result["env_runners"]["episode_len_mean"] == 4.0
    learned = algorithm.learner_group.get_weights()["shared_policy"]
    for name, values in weights.items():
        assert np.array_equal(values, learned[name]), name
    assert algorithm.train()["env_runners"]["num_env_steps_sampled"] >= 24
    algorithm.stop()


def test_workers_that_fail_again_and_again_stop_training():
    from heron.adapters.rllib.worker_failures import MOST_IN_A_ROW, StopIfWorkersFail

    n_step = 0
    algorithm = SimpleNamespace(metrics=SimpleNamespace(peek=lambda key, default: n_step))
    callback = StopIfWorkersFail()

    def recreate(n, *, is_evaluation=False):
        for _ in range(n):
            callback.on_env_runners_recreated(algorithm=algorithm, is_evaluation=is_evaluation)

    recreate(MOST_IN_A_ROW - 1)
    recreate(MOST_IN_A_ROW, is_evaluation=True)
    n_step = 100
    recreate(MOST_IN_A_ROW - 1)
    with pytest.raises(RuntimeError, match="sampled nothing between"):
        recreate(1)


MOST_GROWTH = 100_000  # bytes, of thirty lives; the episodes of one have more


def grown(live):
    """Return by how many traced bytes thirty more lives grow, once metrics have their length."""
    tracemalloc.start()
    try:
        seen = []
        for n in (20, 30):
            for _ in range(n):
                live()
            gc.collect()
            seen.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    return seen[1] - seen[0]


@pytest.mark.parametrize("mode", ["truncate_episodes", "complete_episodes"])
def test_sampling_does_not_gather_memory(training, mode):
    config = training(batch_mode=mode).reporting(metrics_num_episodes_for_smoothing=10)
    algorithm = config.build_algo()
    runner = algorithm.env_runner

    def live():
        runner.sample()
        runner.get_metrics()

    assert grown(live) < MOST_GROWTH
    algorithm.stop()


def test_learning_does_not_gather_memory(training):
    from heron.adapters.rllib import ArrayPPOLearner

    config = training().training(learner_class=ArrayPPOLearner)
    algorithm = config.reporting(metrics_num_episodes_for_smoothing=10).build_algo()
    assert grown(algorithm.train) < MOST_GROWTH
    algorithm.stop()


def test_a_training_of_the_learning_report_goes_on_where_it_was_interrupted(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[4] / "benchmarks" / "python")
    problem, training = (import_module(f"learning.{name}") for name in ("problem", "training"))
    config = problem.make_config("mappo", 0, 480, n_lane=10)
    training.train(config, tmp_path, 240, max_cpu_s=math.inf)
    told = json.loads((tmp_path / training.PROGRESS).read_text())
    assert told["is_done"]
    (tmp_path / training.PROGRESS).write_text(json.dumps({**told, "is_done": False}))
    progress = training.train(config, tmp_path, 480, max_cpu_s=math.inf)
    assert progress.n_step == [240, 480]
    assert progress.day_return[0] == told["day_return"][0]
    assert training.train(config, tmp_path, 960, max_cpu_s=math.inf) == progress  # it is done
