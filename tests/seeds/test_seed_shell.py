"""The shell commands of the documents run from the project's root."""

from __future__ import annotations

import json
from importlib.util import find_spec

import numpy as np
from seed_runs import run_commands, summary
from seed_substitutions import NEEDS, REFUSED


def test_the_commands_run(blocks, tmp_path):
    shell = [block for block in blocks if block.language == "bash"]
    outcomes = run_commands([command for block in shell for command in block.commands], tmp_path)
    print(summary(outcomes))  # noqa: T201  # shown by pytest -rA
    assert [outcome for outcome in outcomes if outcome.how == "failed"] == []
    refused = {outcome.place for outcome in outcomes if outcome.how == "refused"}
    assert refused == set(REFUSED) | {place for place, name in NEEDS.items() if not find_spec(name)}
    assert (tmp_path / "my_case_study" / "pyproject.toml").is_file()
    trained = tmp_path / "runs" / "05_mappo_training"
    assert np.isfinite(json.loads((trained / "results.json").read_text())["episode_return_mean"][0])
