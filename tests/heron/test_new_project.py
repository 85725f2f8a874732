"""A new project runs as it is written; what cannot be one is refused before anything is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from heron.__main__ import main
from heron.errors import ConfigError
from heron.new_project import domains, new_project


def test_the_tests_of_a_new_project_pass(tmp_path, capsys):
    assert main(["new-project", "my_case_study", "--directory", str(tmp_path)]) == 0
    project = tmp_path / "my_case_study"
    assert f"wrote {project}" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["my_case_study"]
    for folder in ("agents", "envs", "networks", "utils"):
        assert (project / "my_case_study" / folder / "__init__.py").is_file()
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"],
        cwd=project,
        # What this run's pytest was told is not for that one.
        env={name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "6 passed" in run.stdout


def test_every_name_is_filled_in(tmp_path):
    project = new_project("grid2_study", "powergrid", tmp_path)
    sources = sorted(project.rglob("*.py"))
    assert len(sources) > 8
    for path in sources:
        text = path.read_text(encoding="utf-8")
        compile(text, str(path), "exec")
        assert "${" not in text
        assert ".template" not in path.name
    environment = (project / "grid2_study" / "envs" / "village_env.py").read_text()
    assert "class Grid2StudyEnv(MultiAgentMicrogrids):" in environment
    assert "# Grid2 study" in (project / "README.md").read_text()
    assert '"Grid2Study-v0" = "grid2_study.envs:Grid2StudyEnv"' in (
        project / "pyproject.toml"
    ).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("My-Study", "such as 'my_study'"),
        ("2study", "expected lowercase letters"),
        ("my__study", "such as 'my_study'"),
        ("lambda", "no Python keyword"),
        ("../study", "such as 'study'"),
        ("", "expected lowercase letters"),
        ("powergrid", "a Python module called 'powergrid' already"),
        ("calendar", "a Python module called 'calendar' already"),
    ],
)
def test_a_name_that_cannot_be_a_package_is_refused(tmp_path, name, says):
    with pytest.raises(ConfigError, match=says):
        new_project(name, "powergrid", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_exists_is_left_alone(tmp_path, capsys):
    (tmp_path / "study").mkdir()
    assert main(["new-project", "study", "--directory", str(tmp_path)]) == 1
    assert "exists already: choose another name" in capsys.readouterr().err
    assert list((tmp_path / "study").iterdir()) == []


def test_a_link_to_nowhere_counts_as_a_folder(tmp_path):
    (tmp_path / "study").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="exists already"):
        new_project("study", "powergrid", tmp_path)


def test_an_unknown_domain_names_the_known_ones(tmp_path):
    assert domains() == ["powergrid"]
    with pytest.raises(ConfigError, match="unknown domain 'powergird'; did you mean 'powergrid'"):
        new_project("study", "powergird", tmp_path)


def test_a_directory_that_is_none_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="is no folder: make it first"):
        new_project("study", "powergrid", tmp_path / "none")


def test_a_command_line_without_a_name_is_a_usage_error(capsys):
    assert main(["new-project"]) == 2
    assert "Missing argument" in capsys.readouterr().err


def test_without_typer_the_command_says_what_to_install(monkeypatch, capsys, tmp_path: Path):
    monkeypatch.delitem(sys.modules, "heron.cli", raising=False)
    monkeypatch.setitem(sys.modules, "typer", None)
    assert main(["new-project", "study", "--directory", str(tmp_path)]) == 1
    assert "pip install 'heron[cli]'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
