"""Episodes of the batched runner beside those of RLlib's own runner."""

from __future__ import annotations

import numpy as np
import pytest
import tree

pytest.importorskip("ray.rllib", reason="needs the extra multi_agent")

pytestmark = pytest.mark.filterwarnings("ignore:.*Overriding environment rllib:UserWarning")
GRID = "powergrid.envs.multi_agent_microgrids:MultiAgentMicrogrids"


def assert_same(stock, ours, *, tolerance=0.0, ids=None):
    """Demand that episodes are the same in all that RLlib's classes keep.

    `ids` remembers which of our episodes has which of RLlib's names.
    """
    ids = {} if ids is None else ids
    assert len(stock) == len(ours)
    for theirs, mine in zip(stock, ours, strict=True):
        assert ids.setdefault(theirs.id_, mine.id_) == mine.id_
        for name in (
            "env_t", "env_t_started", "is_terminated", "is_truncated", "agent_ids",
            "_agent_to_module_mapping", "_hanging_actions_end", "_hanging_extra_model_outputs_end",
        ):  # fmt: skip
            assert getattr(theirs, name) == getattr(mine, name), name
        for episode in (theirs, mine):
            assert not any(episode._hanging_rewards_begin.values())
            assert not any(episode._hanging_rewards_end.values())
        assert len(theirs) == len(mine)
        assert theirs.is_numpy
        assert mine.is_numpy
        for agent in theirs.agent_ids:
            assert theirs.agent_t_started[agent] == mine.agent_t_started[agent]
            steps, ours_of_it = theirs.env_t_to_agent_t[agent], mine.env_t_to_agent_t[agent]
            # RLlib lets an episode that is cut at its very beginning look back to a step that no
            # agent had. There is nothing to see there.
            n_phantom = steps.data.count("S")
            assert steps.data[n_phantom:] == ours_of_it.data
            assert steps.lookback - n_phantom == ours_of_it.lookback
            assert theirs._len_lookback_buffers - n_phantom == mine._len_lookback_buffers
            assert_same_agent(theirs.agent_episodes[agent], mine.agent_episodes[agent], tolerance)
            sub = (theirs.agent_episodes[agent].id_, mine.agent_episodes[agent].id_)
            assert ids.setdefault(sub[0], sub[1]) == sub[1]


def assert_same_agent(theirs, mine, tolerance):
    for name in ("t", "t_started", "is_terminated", "is_truncated", "agent_id", "module_id"):
        assert getattr(theirs, name) == getattr(mine, name), name
    mine.validate()
    assert theirs.infos.lookback == mine.infos.lookback
    # A vector tells of all agents what one of them has, and 0 of those that have no such thing.
    for info, told in zip(theirs.infos.data, mine.infos.data, strict=True):
        assert {**dict.fromkeys(told, 0.0), **info} == told
    assert set(theirs.extra_model_outputs) == set(mine.extra_model_outputs)
    pairs = {
        "observations": (theirs.observations, mine.observations),
        "actions": (theirs.actions, mine.actions),
        "rewards": (theirs.rewards, mine.rewards),
        **{
            name: (buffer, mine.extra_model_outputs[name])
            for name, buffer in theirs.extra_model_outputs.items()
        },
    }
    for name, (a, b) in pairs.items():
        assert (a.lookback, a.finalized, len(a)) == (b.lookback, b.finalized, len(b)), name
        assert (a.space is None) == (b.space is None), name
        loose = tolerance if name in LOOSE or tolerance > 0 else 0.0

        def compare(x, y, name=name, loose=loose):
            assert x.dtype == y.dtype, name
            np.testing.assert_allclose(x, y, rtol=loose, atol=loose, err_msg=name)

        tree.map_structure(compare, a.data, b.data)


LOOSE = ("action_logp",)  # whose logarithms may differ in the last bit by place in a batch


def sample_both(both, calls, *, tolerance=0.0, **settings):
    """Demand that both runners return the same for the same calls; return ours."""
    stock, ours = both(**settings)
    ids, sampled = {}, []
    for call in calls:
        theirs, mine = stock.sample(**call), ours.sample(**call)
        assert_same(theirs, mine, tolerance=tolerance, ids=ids)
        sampled.append(mine)
    assert len(set(ids.values())) == len(ids)
    return sampled


@pytest.mark.parametrize("horizon", [0, 1, 3])
def test_fragments_are_cut_where_rllib_cuts_them(both, horizon):
    calls = [{"num_timesteps": n, "explore": False} for n in (17, 4, 4, 1, 40, 9)]
    sample_both(both, calls, episode_lookback_horizon=horizon)


def test_fragments_have_the_length_of_the_configuration(both):
    calls = [{"explore": False}] * 3
    sampled = sample_both(both, calls, rollout_fragment_length=5)
    # A step in which a lane only begins anew is not counted.
    assert all(20 <= sum(map(len, episodes)) <= 23 for episodes in sampled)


@pytest.mark.parametrize("n", [1, 3, 4, 11])
def test_episodes_are_counted_as_rllib_counts_them(both, n):
    sampled = sample_both(both, [{"num_episodes": n, "explore": False}] * 2)
    assert [len(episodes) for episodes in sampled] == [n, n]
    assert all(e.is_done and e.env_t_started == 0 for episodes in sampled for e in episodes)


def test_whole_episodes_are_sampled_and_never_the_same_ones_again(both):
    sampled = sample_both(both, [{"explore": False}] * 3, batch_mode="complete_episodes")
    first = [e.agent_episodes["zoe"].observations.data[0] for call in sampled for e in call]
    assert len(first) == 12
    assert len({o.tobytes() for o in first}) == 12


def test_calls_of_all_kinds_may_follow_each_other(both):
    calls = [
        {"num_timesteps": 10}, {"num_episodes": 3}, {"num_timesteps": 9},
        {"num_timesteps": 8, "force_reset": True}, {"num_episodes": 1}, {"num_episodes": 2},
    ]  # fmt: skip
    sample_both(both, [{**call, "explore": False} for call in calls])


def test_agent_steps_are_counted_if_so_configured(both):
    stock, ours = both(rollout_fragment_length=4)
    for runner in (stock, ours):
        runner.config.count_steps_by = "agent_steps"
    theirs, mine = (r.sample(num_timesteps=30, explore=False) for r in (stock, ours))
    assert_same(theirs, mine)
    assert sum(e.agent_steps() for e in mine) in (30, 33, 36)  # whole steps, three agents


@pytest.mark.parametrize("ends", [{"hazard": 0.0}, {"hazard": 1.0}, {"n_step": 1}, {"n_agent": 1}])
def test_episodes_of_one_step_or_agent_and_those_that_only_one_kind_of_end_ends(both, ends):
    calls = [{"num_timesteps": n, "explore": False} for n in (6, 15, 3)]
    (*_, last) = sample_both(both, calls, env_config=ends)
    assert last


def test_a_time_limit_truncates_and_does_not_terminate_in_either_runner(both):
    (episodes,) = sample_both(
        both, [{"num_episodes": 4, "explore": False}], env_config={"hazard": 0.0}
    )
    for episode in episodes:
        assert (episode.is_terminated, episode.is_truncated) == (False, True)
        for of_agent in episode.agent_episodes.values():
            assert (of_agent.is_terminated, of_agent.is_truncated) == (False, True)


def test_several_modules_serve_their_agents(both, mappings):
    calls = [{"num_timesteps": n, "explore": False} for n in (13, 21)]
    sampled = sample_both(both, calls, policies=("first", "rest"), mapping=mappings.two)
    modules = {a: e.module_id for a, e in sampled[0][0].agent_episodes.items()}
    assert modules == {"zoe": "first", "adam": "rest", "mia": "rest"}


@pytest.mark.parametrize("horizon", [1, 2])
def test_recurrent_modules_go_on_from_their_states_and_begin_anew(both, modules, horizon):
    calls = [{"num_timesteps": n, "explore": False} for n in (9, 4, 30)]
    sampled = sample_both(
        both,
        calls,
        module=modules.Counting,
        model_config={"max_seq_len": 4},
        episode_lookback_horizon=horizon,
    )
    for episode in sampled[-1]:
        of_agent = episode.agent_episodes["mia"]
        n = of_agent.get_extra_model_outputs("state_out")["n"][:, 0]
        assert n.tolist() == list(range(of_agent.t_started + 1, of_agent.t + 1))


def test_networks_of_rllibs_own_agree_within_rounding(both):
    calls = [{"num_timesteps": n, "explore": False} for n in (30, 30)]
    sample_both(both, calls, module=None, tolerance=1e-5)


def test_recurrent_networks_of_rllibs_own_agree_within_rounding(both):
    from ray.rllib.algorithms.ppo.torch.default_ppo_torch_rl_module import DefaultPPOTorchRLModule

    sampled = sample_both(
        both,
        [{"num_timesteps": n, "explore": False} for n in (20, 20)],
        module=DefaultPPOTorchRLModule,
        model_config={"use_lstm": True, "lstm_cell_size": 8, "max_seq_len": 5},
        tolerance=1e-5,
    )
    assert "state_out" in sampled[0][0].agent_episodes["zoe"].extra_model_outputs


def test_the_grid_environment_gives_the_same_episodes_to_the_last_bit(both):
    calls = [{"num_timesteps": 26, "explore": False}, {"num_episodes": 3, "explore": False}]
    sampled = sample_both(
        both, calls, env=GRID, env_config={"max_episode_steps": 5}, num_envs_per_env_runner=3
    )
    infos = sampled[0][0].agent_episodes["MG1"].get_infos(-1)
    assert {"cost", "safety", "safety_voltage", "converged"} <= set(infos)


def test_lanes_that_begin_in_the_same_step_live_through_the_same_episodes(both, make_config):
    from heron.adapters.rllib.batched.env_runner import BatchedEnvRunner

    def lived(runner):
        parts = [e for n in (25, 8, 40) for e in runner.sample(num_timesteps=n, explore=False)]
        whole = {}
        for part in parts:
            for agent, of_agent in part.agent_episodes.items():
                joined = whole.setdefault((part.id_, agent), [[], [], [], part])
                joined[0].append(of_agent.get_observations()[bool(joined[0]) :])
                joined[1].append(of_agent.get_rewards())
                joined[2].append(of_agent.get_infos()[1:])
                joined[3] = part
        return {
            np.concatenate(o)[0].tobytes(): (
                np.concatenate(o).tolist(), np.concatenate(r).tolist(),
                [info for part in i for info in part],
                end.is_terminated, end.is_truncated,
            )
            for o, r, i, end in whole.values() if end.is_done
        }  # fmt: skip

    _, next_step = both()
    same_step = BatchedEnvRunner(
        config=make_config(vector={"vector_config": {"autoreset_mode": "SameStep"}})
    )
    assert same_step.env.is_same_step
    first, second = lived(next_step), lived(same_step)
    common = first.keys() & second.keys()
    assert len(common) >= len(first) * 0.8 > 20
    for key in common:
        assert first[key] == second[key]


def test_random_actions_ask_no_module(both):
    _, ours = both()
    episodes = ours.sample(num_timesteps=12, random_actions=True)
    for episode in episodes:
        of_agent = episode.agent_episodes["adam"]
        assert of_agent.extra_model_outputs == {}
        assert all(episode.action_space["adam"].contains(a) for a in of_agent.get_actions())
    after = ours.sample(num_timesteps=12, explore=False)
    before = ours.sample(num_timesteps=12, random_actions=True)
    for episode in [*after, *before]:
        for of_agent in episode.agent_episodes.values():
            of_agent.validate()
    assert all("action_logp" in e.agent_episodes["mia"].extra_model_outputs for e in after)
    assert all(not e.agent_episodes["mia"].extra_model_outputs for e in before)
