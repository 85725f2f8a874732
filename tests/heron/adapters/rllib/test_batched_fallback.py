"""When the batched runner leaves the work to RLlib's own one."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("ray.rllib", reason="needs the extra multi_agent")

from ray.rllib.callbacks.callbacks import RLlibCallback
from ray.rllib.connectors.connector_v2 import ConnectorV2
from ray.rllib.connectors.env_to_module import MeanStdFilter

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*Overriding environment rllib:UserWarning"),
    pytest.mark.usefixtures("ray_here"),
]
GRID = "powergrid.envs.multi_agent_microgrids:MultiAgentMicrogrids"


class CountSteps(RLlibCallback):
    n = 0

    def on_episode_step(self, **kwargs):
        CountSteps.n += 1


class Watch(RLlibCallback):
    seen = None

    def on_environment_created(self, *, env, **kwargs):
        Watch.seen = ["environment", type(env).__name__]

    def on_sample_end(self, *, samples, **kwargs):
        Watch.seen.append(len(samples))


class PassOn(ConnectorV2):
    def __call__(self, *, batch, **kwargs):
        return batch


def keep(episode, **kwargs):
    pass


@pytest.fixture
def make_runner():
    from heron.adapters.rllib.batched.env_runner import BatchedEnvRunner

    return lambda config: BatchedEnvRunner(config=config)


def fall_back(make_runner, config, match):
    """Demand a warning that names the reason, and episodes all the same."""
    with pytest.warns(
        UserWarning, match=rf"leaves the work to RLlib's MultiAgentEnvRunner: .*{match}"
    ):
        runner = make_runner(config)
    assert not runner.is_batched
    episodes = runner.sample(num_episodes=2, explore=False)
    assert [e.is_done for e in episodes] == [True, True]
    return runner


def test_connectors_between_environment_and_module_need_rllibs_runner(make_config, make_runner):
    config = make_config().env_runners(
        env_to_module_connector=lambda env, spaces, device: MeanStdFilter(multi_agent=True)
    )
    fall_back(make_runner, config, "env_to_module_connector is set")


def test_connectors_between_module_and_environment_need_rllibs_runner(make_config, make_runner):
    config = make_config().env_runners(module_to_env_connector=lambda env, spaces: PassOn())
    fall_back(make_runner, config, "module_to_env_connector is set")


def test_callbacks_for_steps_need_rllibs_runner_and_are_called(make_config, make_runner):
    CountSteps.n = 0
    runner = fall_back(make_runner, make_config().callbacks(CountSteps), "on_episode_step")
    assert CountSteps.n >= 2
    metrics = runner.get_metrics()
    assert "episode_return_mean" in metrics


def test_callback_functions_for_episodes_need_rllibs_runner(make_config, make_runner):
    fall_back(make_runner, make_config().callbacks(on_episode_end=keep), "on_episode_end")


def test_callbacks_of_a_list_are_all_looked_at(make_config, make_runner):
    fall_back(make_runner, make_config().callbacks([Watch, CountSteps]), "on_episode_step")


def test_callbacks_for_samples_and_environments_are_called_by_the_batched_runner(
    make_config, make_runner
):
    runner = make_runner(make_config().callbacks(Watch))
    assert runner.is_batched
    episodes = runner.sample(num_timesteps=20)
    assert Watch.seen == ["environment", "Lanes", len(episodes)]


def test_agents_of_unequal_spaces_need_rllibs_runner(make_config, make_runner):
    config = make_config(
        GRID,
        {"uniform_spaces": False, "max_episode_steps": 2},
        policies=("MG1", "MG2", "MG3"),
        mapping=lambda agent_id, *args, **kwargs: agent_id,
        module=None,
        num_envs_per_env_runner=1,
    )
    fall_back(make_runner, config, "uniform_spaces")


def test_an_environment_of_another_kind_needs_rllibs_runner(make_config, make_runner):
    from ray.tune.registry import register_env

    from heron.adapters.rllib import RLlibMultiAgentEnv

    made = make_config()
    entry = made.env_config["env"]
    register_env("drift_of_the_tests", lambda context: RLlibMultiAgentEnv(entry()))
    fall_back(make_runner, made.environment("drift_of_the_tests"), "drift_of_the_tests")


def test_a_connector_that_an_algorithm_adds_needs_rllibs_runner(
    make_config, make_runner, monkeypatch
):
    from ray.rllib.algorithms.ppo import PPOConfig

    build = PPOConfig.build_env_to_module_connector

    def with_more(self, *args, **kwargs):
        pipeline = build(self, *args, **kwargs)
        pipeline.prepend(MeanStdFilter(multi_agent=True))
        return pipeline

    monkeypatch.setattr(PPOConfig, "build_env_to_module_connector", with_more)
    fall_back(make_runner, make_config(), "MeanStdFilter")


def test_lanes_that_do_not_begin_anew_by_themselves_are_refused(make_config, make_runner):
    config = make_config(vector={"vector_config": {"autoreset_mode": "Disabled"}})
    fall_back(make_runner, config, "autoreset_mode is Disabled")


def test_a_mapping_to_a_module_that_does_not_exist_is_named(make_config, make_runner):
    from heron.errors import ConfigError

    runner = make_runner(make_config())
    runner.config.multi_agent(policy_mapping_fn=lambda agent_id, *args, **kwargs: "al")
    with pytest.raises(ConfigError, match="unknown module 'al'; did you mean 'all'"):
        runner.sample(num_timesteps=4)


def test_a_class_stands_for_the_vector_registered_with_it(make_config, make_runner):
    from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
    from powergrid.envs.vector_grid_env import VectorGridEnv

    for entry in (GRID, MultiAgentMicrogrids, "MultiAgentMicrogrids-v0"):
        config = make_config(entry, {"max_episode_steps": 2}, num_envs_per_env_runner=2)
        assert isinstance(make_runner(config).env.vector, VectorGridEnv)


def test_another_vector_can_be_asked_for(make_config, make_runner):
    from heron.envs.looped import LoopedVectorEnv

    made = []

    def make_vector(num_envs, env_config, **kwargs):
        made.append((num_envs, env_config, kwargs))
        return LoopedVectorEnv(entry, num_envs)

    config = make_config()
    entry = config.env_config["env"]
    config.environment(
        env_config={
            "env": entry,
            "env_config": {"n_step": 3},
            "vector_env": make_vector,
            "vector_config": {"n_thread": 2},
        }
    )
    runner = make_runner(config)
    assert made == [(4, {"n_step": 3}, {"n_thread": 2})]
    assert runner.is_batched
    assert np.isfinite([e.get_return() for e in runner.sample(num_episodes=1)]).all()
