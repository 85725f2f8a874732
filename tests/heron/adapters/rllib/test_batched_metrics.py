"""Metrics of the batched runner beside those of RLlib's own runner."""

from __future__ import annotations

import numpy as np
import pytest
import tree

pytest.importorskip("ray.rllib", reason="needs the extra multi_agent")

from ray.rllib.utils.metrics.metrics_logger import MetricsLogger

pytestmark = pytest.mark.filterwarnings("ignore:.*Overriding environment rllib:UserWarning")
GRID = "powergrid.envs.multi_agent_microgrids:MultiAgentMicrogrids"
# What depends on the clock, and what connectors count, which do not run here.
OTHER = ("timer", "time_", "duration", "throughput", "env_to_module")


def metrics(runner):
    """Return what a runner reports, by path, but for what cannot be the same."""
    reported = MetricsLogger.peek_results(runner.get_metrics())
    flat = tree.flatten_with_path(reported)
    return {
        "/".join(map(str, path)): value
        for path, value in flat
        if path != ("sample",) and not any(word in str(path) for word in OTHER)
    }


@pytest.mark.parametrize("smoothing", [100, 5])
def test_metrics_have_rllibs_names_and_values(both, mappings, smoothing):
    stock, ours = both(policies=("first", "rest"), mapping=mappings.two)
    for runner in (stock, ours):
        runner.config.metrics_num_episodes_for_smoothing = smoothing
    for call in (
        {"num_timesteps": 90}, {"num_timesteps": 14}, {"num_episodes": 3}, {"num_timesteps": 3},
    ):  # fmt: skip
        for runner in (stock, ours):
            runner.sample(**call, explore=False)
        theirs, mine = metrics(stock), metrics(ours)
        extra = {name for name in mine if name.startswith("episode_infos_mean/")}
        assert set(mine) - extra == set(theirs)
        assert "num_env_steps_sampled_lifetime" in theirs
        for name, value in theirs.items():
            np.testing.assert_allclose(mine[name], value, rtol=1e-12, err_msg=name)


def test_the_duration_of_an_episode_is_the_time_it_took(both):
    _, ours = both()
    ours.sample(num_episodes=4, explore=False)
    duration = MetricsLogger.peek_results(ours.get_metrics())["episode_duration_sec_mean"]
    assert 0.0 < duration < 10.0


def test_infos_are_summed_over_steps_and_agents_and_flags_averaged(both):
    _, ours = both()
    sums = {}
    for n_step in (6, 5, 40):  # episodes come in parts
        for part in ours.sample(num_timesteps=n_step, explore=False):
            of = sums.setdefault(
                part.id_, {"first": 0.0, "dead": 0.0, "k": 0, "n": 0, "done": False}
            )
            for of_agent in part.agent_episodes.values():
                for info in of_agent.get_infos(slice(1, None)):
                    of["first"] += info["first"]
                    of["dead"] += info["dead"]
                    of["k"] += info["k"]
            of["n"] += len(part)
            of["done"] |= part.is_done
    done = [of for of in sums.values() if of["done"]]
    reported = MetricsLogger.peek_results(ours.get_metrics())["episode_infos_mean"]
    assert len(done) > 5
    assert reported["first"] == pytest.approx(np.mean([of["first"] for of in done]))
    assert reported["k"] == pytest.approx(np.mean([of["k"] for of in done]))
    assert reported["dead"] == pytest.approx(np.mean([of["dead"] / of["n"] / 3 for of in done]))


def test_the_grids_cost_energy_and_violations_are_reported(both):
    stock, ours = both(env=GRID, env_config={"max_episode_steps": 3}, num_envs_per_env_runner=2)
    episodes = stock.sample(num_episodes=2, explore=False)
    ours.sample(num_episodes=2, explore=False)
    reported = MetricsLogger.peek_results(ours.get_metrics())["episode_infos_mean"]
    for name in ("cost", "safety", "energy_bought_mwh", "energy_sold_mwh", "safety_voltage"):
        infos = [
            sum(i[name] for e in episode.agent_episodes.values() for i in e.get_infos()[1:])
            for episode in episodes
        ]
        assert reported[name] == pytest.approx(np.mean(infos)), name
    assert reported["converged"] == 1.0
