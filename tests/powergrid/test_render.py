"""What an environment shows, in text and pictures, and that looking changes nothing."""

from __future__ import annotations

import copy
import gc
import subprocess
import sys
import warnings
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from pettingzoo.test.render_test import render_test
from pettingzoo.utils.conversions import parallel_to_aec

from heron.errors import ConfigError, HeronError
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.envs.render.episode import EpisodeRecord
from powergrid.envs.render.plotting import MissingPlotLibraryError
from powergrid.envs.render.renderer import Renderer
from powergrid.envs.render.table import table

DAY = 200
N_STEP = 4
CONFIG = {
    "max_episode_steps": N_STEP,
    "dataset": "shipped",
    "dso_config": {"network": "ieee13", "load_scale": 0.3, "line_drop_compensation": False},
    "microgrid_configs": [
        {
            "name": "MG1",
            "connection_bus": "DSO Bus 680",
            "devices": [
                {
                    "type": "Generator",
                    "name": "gen1",
                    "bus": "Bus 633",
                    "p_max_MW": 0.2,
                    "q_max_MVAr": 0.05,
                    "q_min_MVAr": -0.05,
                    "commitment": True,
                },
                {
                    "type": "ESS",
                    "name": "ess1",
                    "bus": "Bus 671",
                    "e_capacity_MWh": 0.6,
                    "p_max_MW": 0.15,
                },
                {"type": "SolarPlant", "name": "pv1", "bus": "Bus 675", "p_rated_MW": 0.2},
                {"type": "Transformer", "name": "reg1", "transformer": "REG1"},
            ],
        }
    ],
}


def make(render_mode=None):
    """Return a small environment with short episodes."""
    return MultiAgentMicrogrids(CONFIG, render_mode=render_mode)


def live(env, n_step=2, seed=5):
    """Begin the same day and do the same random things in any environment."""
    env.reset(seed=seed, options={"day": DAY})
    rng = np.random.default_rng(seed)
    answers = []
    for _ in range(n_step):
        actions = {
            agent: rng.uniform(-1.0, 1.0, env.action_space(agent).shape) for agent in env.agents
        }
        answers.append(env.step(actions))
    return answers


@pytest.fixture(scope="module")
def plain():
    """Return one environment that shows nothing."""
    return make()


@pytest.fixture(scope="module")
def painter():
    """Return one environment that draws into arrays."""
    env = make("rgb_array")
    yield env
    env.close()


@pytest.fixture(scope="module")
def writer():
    """Return one environment that writes tables."""
    return make("ansi")


# --- the contract of render ---------------------------------------------------------------------


def test_without_a_mode_render_warns_and_shows_nothing(plain):
    plain.reset(seed=0)
    with pytest.warns(UserWarning, match="render_mode='ansi', 'rgb_array' or 'human'"):
        assert plain.render() is None
    plain.close()


def test_rendering_before_the_first_reset_says_what_to_do(plain):
    with pytest.raises(HeronError, match="reset"):
        Renderer("ansi", plain).render()


def test_an_unknown_mode_is_refused():
    with pytest.raises(ConfigError, match="rgb_array"):
        make("svg")


def test_looking_changes_neither_observations_nor_rewards(painter, plain):
    seen = []
    painter.reset(seed=5, options={"day": DAY})
    rng = np.random.default_rng(5)
    for _ in range(2):
        painter.render()
        actions = {a: rng.uniform(-1.0, 1.0, painter.action_space(a).shape) for a in painter.agents}
        seen.append(painter.step(actions))
    for shown, unseen in zip(seen, live(plain), strict=True):
        for agent in unseen[0]:
            np.testing.assert_array_equal(shown[0][agent], unseen[0][agent])
        assert shown[1:] == unseen[1:]


@pytest.mark.filterwarnings("error")
def test_pettingzoo_is_content_with_every_mode():
    render_test(lambda render_mode: parallel_to_aec(make(render_mode)))


# --- text ---------------------------------------------------------------------------------------


def test_the_table_holds_the_values_of_the_last_step(writer):
    infos = live(writer)[-1][4]
    text = writer.render()
    assert text.startswith(f"step 2/{N_STEP}, day {DAY}, Wednesday 01:00-02:00\n")
    rows = {tuple(line.split()[:2]): line.split() for line in text.splitlines() if line}
    for name, agent in writer.agent_dict.items():
        price = writer.distribution.window.actual["price"][1]
        row = next(line.split() for line in text.splitlines() if line.startswith(f"{name} "))
        assert abs(infos[name]["cost"]) > 0.1
        assert float(row[2]) == pytest.approx(infos[name]["cost"], abs=0.005)
        assert float(row[4]) == pytest.approx(infos[name]["safety"], abs=5e-5)
        assert float(row[1]) == pytest.approx(price, abs=0.005)
        for device_id, device in agent.devices.items():
            shown = rows[name, device_id]
            assert float(shown[2]) == pytest.approx(device.state.electrical.p_MW, abs=5e-4)
            if "storage" in device.state.features:
                assert float(shown[5]) == pytest.approx(100 * device.state.storage.soc, abs=0.05)


def test_after_a_reset_the_table_shows_the_start(writer):
    writer.reset(seed=0, options={"day": 0})
    assert writer.render().startswith("start of day 0, Saturday 00:00\n")


def test_the_end_of_an_episode_can_still_be_seen(writer):
    live(writer, n_step=N_STEP)
    assert writer.agents == []
    assert writer.render().startswith(f"step {N_STEP}/{N_STEP}")


def test_the_table_says_that_a_power_flow_did_not_converge(writer):
    live(writer, n_step=1)
    record = EpisodeRecord.begin(writer)
    names = writer.net.bus["name"].tolist()
    assert "did not converge" not in table(record, names)
    record.last = replace(record.last, converged=False)
    assert "did not converge" in table(record, names)


# --- pictures -----------------------------------------------------------------------------------


def test_the_default_setup_gives_an_array_of_fixed_size():
    env = MultiAgentMicrogrids(render_mode="rgb_array")
    env.reset(seed=0)
    picture = env.render()
    assert picture.shape == (840, 1500, 3)
    assert picture.dtype == np.uint8
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 100


def test_the_same_state_gives_the_same_bytes_whatever_was_shown_before(painter):
    painter.reset(seed=1)
    painter.render()
    live(painter)
    other = make("rgb_array")
    live(other)
    np.testing.assert_array_equal(painter.render(), other.render())
    np.testing.assert_array_equal(painter.render(), other.render())


def test_another_state_gives_another_picture(painter):
    live(painter, n_step=1)
    first = painter.render()
    painter.step({agent: painter.idle_action(agent) for agent in painter.agents})
    assert (painter.render() != first).any()


def test_a_picture_handed_out_does_not_change(painter):
    live(painter, n_step=1)
    picture = painter.render()
    kept = picture.copy()
    painter.step({agent: painter.idle_action(agent) for agent in painter.agents})
    painter.render()
    np.testing.assert_array_equal(picture, kept)


def test_the_users_matplotlib_settings_do_not_matter(painter):
    live(painter, n_step=1)
    usual = painter.render()
    with plt.rc_context({"font.size": 20.0, "lines.linewidth": 9.0, "axes.facecolor": "black"}):
        np.testing.assert_array_equal(painter.render(), usual)


def test_rendering_again_and_again_adds_nothing_to_the_figure(painter):
    live(painter, n_step=1)
    painter.render()
    figure = painter._renderer._picture.figure
    n_artist = len(figure.findobj())
    for seed in (1, 2):
        live(painter, seed=seed)
        painter.render()
    assert painter._renderer._picture.figure is figure
    # Ticks come and go with the limits of the curves; everything else stays.
    assert len(figure.findobj()) < 1.2 * n_artist
    assert plt.get_fignums() == []


def test_after_closing_rendering_starts_anew(painter):
    live(painter, n_step=1)
    before = painter.render()
    painter.close()
    painter.close()
    np.testing.assert_array_equal(painter.render(), before)


def test_a_copy_of_the_environment_draws_for_itself(painter):
    live(painter, n_step=1)
    picture = painter.render()
    other = copy.deepcopy(painter)
    painter.step({agent: painter.idle_action(agent) for agent in painter.agents})
    painter.render()
    np.testing.assert_array_equal(other.render(), picture)


# --- the window ---------------------------------------------------------------------------------


def test_without_a_screen_the_window_neither_blocks_nor_warns():
    env = make("human")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        live(env)
        assert env.render() is None
    assert len(plt.get_fignums()) == 1
    env.close()
    assert plt.get_fignums() == []


def test_a_window_that_the_user_closed_opens_again():
    env = make("human")
    env.reset(seed=0)
    plt.close("all")
    env.step({agent: env.idle_action(agent) for agent in env.agents})
    assert len(plt.get_fignums()) == 1
    env.close()


def test_a_forgotten_environment_takes_its_window_along():
    env = make("human")
    env.reset(seed=0)
    del env
    gc.collect()
    assert plt.get_fignums() == []


# --- what is kept -------------------------------------------------------------------------------


def test_curves_follow_the_episode(painter):
    infos = [answer[4] for answer in live(painter, n_step=3)]
    record = painter._renderer._record
    for name in painter.possible_agents:
        bought = [i[name]["energy_bought_mwh"] - i[name]["energy_sold_mwh"] for i in infos]
        assert record.exchange_mw[name] == pytest.approx(bought)
    store = painter.agent_dict["MG1"].devices["ess1"]
    assert len(record.soc["MG1", "ess1"]) == 4
    assert record.soc["MG1", "ess1"][-1] == store.state.storage.soc
    assert record.v_max_pu[-1] == painter.get_power_grid_metrics()["v_max_pu"]
    assert record.price["MG1"] == painter.distribution.window.actual["price"][:3].tolist()


def test_a_reset_forgets_the_curves(painter):
    live(painter)
    painter.reset(seed=0)
    assert painter._renderer._record.load_mw == []


def test_nothing_is_recorded_without_a_mode(plain):
    assert plain._renderer is None


# --- matplotlib is optional ---------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["rgb_array", "human"])
def test_without_matplotlib_a_picture_is_refused_at_once(mode, plain, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingPlotLibraryError, match=r'pip install "heron\[plot\]"'):
        Renderer(mode, plain)


def test_the_table_needs_no_matplotlib():
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids\n"
        "env = MultiAgentMicrogrids(render_mode='ansi')\n"
        "env.reset(seed=0)\n"
        "assert 'MG3' in env.render()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
