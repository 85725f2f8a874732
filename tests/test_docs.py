"""The Python blocks of the README and of every page of docs/ run, page by page in one namespace."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PAGES = {
    str(page.relative_to(ROOT)): re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
}
# Names that a page takes for granted: series of the reader's own.
GIVEN = {"docs/data.md": {key: [1.0] for key in ("load", "other", "sun", "wind", "price")}}
# What blocks import of extras, and the package without which they are left out.
EXTRAS = {"adapters.rllib": "ray", "adapters.torchrl": "torchrl"}


def test_the_pages_with_code_are_found() -> None:
    names = (
        "attribution",
        "agents",
        "build-from-scratch",
        "data",
        "devices",
        "disturbances",
        "environment",
        "event-driven",
        "integration",
        "messaging",
        "networks",
        "optimization",
        "powerflow",
        "protocols",
        "rllib",
        "scheduling",
        "training",
        "vector",
    )
    expected = {"README.md", *(f"docs/{name}.md" for name in names)}
    assert expected == {page for page, blocks in PAGES.items() if blocks}


@pytest.fixture
def quiet_ray(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep what a page does with Ray to this test's folder."""
    if "import ray" in "".join(PAGES[page]) and find_spec("ray") is not None:
        monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        monkeypatch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # unset, Ray warns
        from ray.tune.trainable import trainable

        monkeypatch.setattr(trainable, "DEFAULT_STORAGE_PATH", str(tmp_path / "ray_results"))
    level = logging.getLogger("ray").level
    yield
    logging.getLogger("ray").setLevel(level)


@pytest.mark.filterwarnings("ignore:.*Overriding environment rllib:UserWarning")
@pytest.mark.usefixtures("quiet_ray")
@pytest.mark.parametrize("page", [page for page, blocks in PAGES.items() if blocks])
def test_the_code_of_a_page_runs(page: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    module = ModuleType("page")
    monkeypatch.setitem(sys.modules, module.__name__, module)  # dataclasses look their module up
    vars(module).update(GIVEN.get(page, {}))
    for block in PAGES[page]:
        if any(name in block and find_spec(extra) is None for name, extra in EXTRAS.items()):
            continue
        exec(compile(block, page, "exec"), vars(module))


def test_links_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", prose):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_fuel_cell_of_the_guide_is_that_of_the_example() -> None:
    example = (ROOT / "examples" / "09_fuel_cell.py").read_text()
    blocks = [
        b for b in PAGES["docs/devices.md"] if b.startswith(("MWH_PER", "ACTIVE", "KERN", "cl"))
    ]
    assert len(blocks) == 4
    for block in blocks:
        assert block in example
