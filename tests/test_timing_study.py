"""The study of timing in short: its statements hold, and its files say what was found."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

SCRIPTS = Path(__file__).parents[1] / "benchmarks" / "python"


@pytest.fixture(scope="module")
def module() -> ModuleType:
    sys.path.insert(0, str(SCRIPTS))
    try:
        spec = importlib.util.spec_from_file_location("timing_study", SCRIPTS / "timing_study.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # dataclasses look their module up
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(SCRIPTS))
    return module


@pytest.fixture(scope="module")
def folder(module: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("study")
    assert module.main(["--quick", "--out", str(folder)]) == 0
    return folder


def test_every_statement_holds_in_short(folder: Path) -> None:
    content = json.loads((folder / "timing_study.json").read_text(encoding="utf-8"))
    assert len(content["claims"]) == 5
    assert all(claim["holds"] for claim in content["claims"])
    delays = content["observation_delay_min"]
    assert len({tuple(of["days"]) for of in delays.values()}) == 1
    means = [np.mean(of["episode_return"]) for of in delays.values()]
    assert means == sorted(means, reverse=True)
    assert [of["age_mean_s"] for of in delays.values()] == [0.0, 300.0, 3600.0]
    for loss, of in content["message_loss"].items():
        assert np.sum(of["lost"]) / np.sum(of["sent"]) == pytest.approx(float(loss), abs=0.01)


def test_page_and_plot_show_the_cases(folder: Path) -> None:
    text = (folder / "timing_study.md").read_text(encoding="utf-8")
    assert text.count("- holds: ") == 5
    assert "| 60 | " in text
    assert "| 0.9 | " in text
    assert "observation delay [min]" in (folder / "timing_study.svg").read_text(encoding="utf-8")


def test_a_statement_that_does_not_hold_is_said_to_fail(module: ModuleType) -> None:
    found = module.study(module.Extent(3, 4, (0, 5, 60), (0.0, 0.5)))
    better = replace(found.delays[60], episode_return=found.delays[0].episode_return + 1.0)
    other = replace(found.schedule[5], agent_return=found.schedule[5].agent_return + 1e-12)
    wrong = replace(
        found,
        delays={**found.delays, 60: better},
        schedule={**found.schedule, 5: other},
    )
    failed = [claim.text for claim in module.claims(wrong) if not claim.holds]
    assert any("60 min than 0 min" in text for text in failed)
    assert any("observation delay 60 min changes" in text for text in failed)
    assert any("except [5] min" in text for text in failed)
