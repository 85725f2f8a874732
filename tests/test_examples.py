"""The examples run, and what they return is physically right."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name[:2]}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run a very short training as a user would, and return its folder and what it printed."""
    pytest.importorskip("ray.rllib", reason="needs the extra multi_agent")
    folder = tmp_path_factory.mktemp("training")
    return folder, run_training(folder)


def run_training(folder: Path, *more: str) -> str:
    flags = ["--iterations", "1", "--steps-per-iteration", "24", "--eval-episodes", "1"]
    command = [sys.executable, str(EXAMPLES / "05_mappo_training.py"), *flags, "--no-cuda"]
    run = subprocess.run(
        [*command, "--num-workers", "1", "--output-dir", str(folder), *more],
        # Compiling pandapower's kernels in every process would take most of the time.
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert run.returncode == 0, run.stderr
    assert "Warning" not in run.stderr, run.stderr
    return run.stdout


def test_the_basic_example_charges_cheaply_and_comes_inside_the_limits(capsys):
    rows = load("01_single_microgrid_basic").main()
    assert len(rows) == 24
    charging = [row["price"] for row in rows if row["battery"] < -1e-6]
    discharging = [row["price"] for row in rows if row["battery"] > 1e-6]
    assert max(charging) < min(discharging)
    assert all(0.1 - 1e-9 <= row["soc"] <= 0.9 + 1e-9 for row in rows)
    for row in rows:  # what is bought covers the load less what the devices give, and the losses
        loss = row["bought"] - (row["load"] - row["gen"] - row["pv"] - row["battery"])
        assert 0.0 < loss < 0.03 * row["load"]
    assert rows[0]["safety"] > 0.0  # the feeder's own taps are too high for so small a load
    assert all(row["safety"] == 0.0 for row in rows[3:])
    assert "the day cost" in capsys.readouterr().out


def test_peers_save_by_trading_and_a_fee_takes_it_away(capsys, tmp_path: Path):
    module = load("02_multi_microgrid_p2p")
    found = module.main(str(tmp_path))
    saved = [sum(of_fee["saved"].values()) for of_fee in found["by_fee"].values()]
    traded = [of_fee["traded"] for of_fee in found["by_fee"].values()]
    assert saved == sorted(saved, reverse=True)
    assert traded == sorted(traded, reverse=True)
    assert all(value > 0.0 for value in found["by_fee"][0.01]["saved"].values())
    for fee, of_fee in found["by_fee"].items():
        assert of_fee["fees"] == pytest.approx(2.0 * fee * of_fee["traded"])
    for _, infos in found["hours"]:
        payments = sum(info["trade_payment"] for info in infos.values())
        assert payments == pytest.approx(sum(info["trade_fee"] for info in infos.values()))
    assert found["plot"].read_bytes().startswith(b"\x89PNG")
    assert "add up to the fees" in capsys.readouterr().out


def test_the_operators_prices_keep_the_feeder_within_its_limit(capsys, tmp_path: Path):
    module = load("03_price_coordination")
    alone, led, prices = module.main(str(tmp_path))
    assert alone.feeder_mw.max() > 1.1 * module.LIMIT_MW
    assert led.feeder_mw.max() <= module.LIMIT_MW
    assert prices[0] == alone.to_operator == 0.0 < led.to_operator
    assert led.price == pytest.approx(alone.price + prices, abs=1e-3)
    assert (prices[alone.feeder_mw < 0.9 * module.LIMIT_MW] == 0.0).all()
    assert (tmp_path / "03_price_coordination.png").read_bytes().startswith(b"\x89PNG")
    assert "led, after round" in capsys.readouterr().out


def test_the_custom_device_injects_the_share_that_it_is_told(capsys):
    runs = load("04_custom_device").main()
    offered = np.array([row[0] for row in runs[1.0]])
    assert offered.max() > 0.2
    assert np.allclose([row[1] for row in runs[1.0]], offered)
    assert np.allclose([row[1] for row in runs[0.5]], 0.5 * offered)
    costs = {share: sum(row[2] for row in rows) for share, rows in runs.items()}
    assert costs[1.0] < costs[0.5]  # wind is cheaper than the market, wear included
    assert "MyWindTurbine0.available_p_MW" in capsys.readouterr().out


def test_the_fuel_cell_runs_while_energy_is_dear_and_its_hydrogen_lasts(capsys):
    module = load("09_fuel_cell")
    runs = module.main()
    assert runs["FuelCell"] == runs["PlainFuelCell"]
    power, hydrogen, _ = np.array(runs["FuelCell"]).T
    config = module.FuelCellConfig(bus="")
    burnt_mwh = (config.h2_init_kg - hydrogen[-1]) * module.MWH_PER_KG * config.efficiency
    assert power.sum() == pytest.approx(burnt_mwh)
    assert power.max() == pytest.approx(config.p_max_MW)
    assert np.diff(power).max() <= config.ramp_MW_per_h + 1e-12
    assert 0.0 <= hydrogen[-1] < config.h2_reserve_kg
    assert "give the same day: True" in capsys.readouterr().out


def test_the_fuel_cell_of_an_environment_runs_by_its_kernels(monkeypatch):
    module = load("09_fuel_cell")
    monkeypatch.setitem(module.DEVICE_REGISTRY, "FuelCell", module.FuelCell)

    def refuse(*arguments: object) -> None:
        raise AssertionError("a hook was called")

    for hook in ("set_device_action", "update_state", "update_cost_safety"):
        monkeypatch.setattr(module.FuelCell, hook, refuse)
    power, hydrogen, _ = np.array(module.run_day("FuelCell")).T
    assert power.max() > 0.1
    assert hydrogen[-1] < hydrogen[0]


def test_by_messages_the_day_is_the_centralized_one_and_less_sight_costs(capsys):
    found = load("06_distributed_mode_with_proxy").main()
    assert found["is_same"]
    assert found["n_message"] == 24 * 15  # of 15 devices, meters included
    assert found["n_unread"] == 0
    assert {who: list(seen) for who, seen in found["seen"].items()} == {
        "its agent": ["electrical", "storage"],
        "a generator": [],
        "its agent, by a rule": ["storage"],
    }
    assert found["returns"]["full"] > found["returns"]["grid"] >= found["returns"]["device"]
    assert "by 360 messages" in capsys.readouterr().out


def test_events_without_delays_are_the_steps_and_trouble_costs(capsys):
    found = load("07_event_driven_mode").main(["--test"])
    returns = found["returns"]
    assert returns["none"] == returns["(steps)"]
    assert returns["all, with jitter"] < returns["late observations"] < returns["(steps)"]
    assert len({round(value, 6) for value in returns.values()}) == 7
    times_s = [command.time_s for command in found["trace"]]
    assert times_s == sorted(times_s)
    assert any(time_s % 900.0 for time_s in times_s)
    assert "when MG1's battery obeys" in capsys.readouterr().out


def test_what_was_tuned_centrally_is_valid_as_deployed(capsys):
    found = load("08_ctde_e2e_validation").main(["--trainer", "rules", "--test"])
    assert len(found["checks"]) == 4
    assert all(found["checks"].values())
    assert found["timing_cost"].mean > 0.0
    assert "PASS  by messages = centralized" in capsys.readouterr().out


def test_what_rllib_trained_is_valid_as_deployed(training):
    folder, _ = training
    checkpoint = ["--checkpoint", str(folder / "checkpoint")]
    found = load("08_ctde_e2e_validation").main([*checkpoint, "--test"])
    assert found["policy"].name == "trained"
    assert all(found["checks"].values())


def test_training_writes_a_checkpoint_a_plot_and_finite_results(training):
    folder, printed = training
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert len(results["episode_return_mean"]) == 1
    assert np.isfinite(results["episode_return_mean"][0])
    assert list(results["evaluation"]) == ["trained", "do-nothing", "random", "rule-based"]
    assert all(np.isfinite(v) for row in results["evaluation"].values() for v in row.values())
    assert results["evaluation"]["do-nothing"]["violated_steps_percent"] == 0.0
    assert (folder / "learning_curve.png").read_bytes().startswith(b"\x89PNG")
    assert "iteration   1" in printed


def test_training_goes_on_from_a_checkpoint(training, tmp_path: Path):
    folder, _ = training
    more = ["--resume", str(folder / "checkpoint"), "--eval-episodes", "0", "--num-workers", "0"]
    printed = run_training(tmp_path, *more)
    assert "iteration   2" in printed
    assert "after 384 steps" in printed  # eight environments, whole episodes


def test_the_event_driven_test_says_what_each_cause_costs(training, tmp_path: Path, capsys):
    folder, _ = training
    (tmp_path / "checkpoint").symlink_to(folder / "checkpoint")
    module = load("05_mappo_training")
    args = module.parse_arguments(["--event-driven-test", "--eval-episodes", "2"])
    assert args.event_driven_test
    found = module.attribute(args, tmp_path)
    report = (tmp_path / "attribution.md").read_text(encoding="utf-8")
    delays = ("observation delay", "action delay", "message delay")
    causes = ("tick rate", *delays, "jitter", "loss")
    assert list(found) == ["none", *causes, "all together"]
    assert all(cause in report for cause in causes)
    assert report in capsys.readouterr().out + "\n"


def test_curves_are_written_for_tensorboard(training):
    folder, _ = training
    (events,) = (folder / "tensorboard").glob("events.out.tfevents.*")
    assert b"episode_return_mean" in events.read_bytes()


def test_more_workers_than_cpus_are_capped_with_a_warning():
    parse_arguments = load("05_mappo_training").parse_arguments
    with pytest.warns(UserWarning, match="exceeds the"):
        capped = parse_arguments(["--num-workers", "10000"])
    assert 1 <= capped.num_workers < 10000


def test_the_test_flag_means_three_iterations_of_about_500_steps():
    args = load("05_mappo_training").parse_arguments(["--test", "--num-workers", "1"])
    assert (args.iterations, args.steps_per_iteration) == (3, 480)
    assert args.share_reward
    assert not load("05_mappo_training").parse_arguments(["--no-share-reward"]).share_reward


def test_the_attribution_report_finds_what_late_agents_lose(capsys, tmp_path: Path):
    plot = tmp_path / "report.png"
    report = load("11_attribution_report").main(["--seeds", "8", "--plot", str(plot)])
    assert report.causes == [
        "tick rate", "observation delay", "action delay", "message delay", "jitter", "loss",
        "all together",
    ]  # fmt: skip
    assert report.effect("observation delay").high < 0.0
    assert report.effect("all together").high < report.effect("action delay").low
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert "of the single causes, observation delay costs most" in capsys.readouterr().out


def test_ppo_over_many_lanes_learns_to_do_better_than_nothing(capsys):
    torch = pytest.importorskip("torch", reason="needs the extra multi_agent")
    n_thread = torch.get_num_threads()
    try:
        arguments = ["--num-envs", "32", "--total-steps", "18432", "--seed", "1"]
        returns = load("10_vector_ppo").main(arguments)
    finally:
        torch.set_num_threads(n_thread)
    assert list(returns) == ["learned", "do-nothing", "rule-based"]
    assert returns["do-nothing"] < returns["rule-based"] < 0.0
    assert returns["learned"] > 0.95 * returns["do-nothing"]  # both are negative
    assert "   18432 steps" in capsys.readouterr().out
