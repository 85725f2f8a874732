"""The Python blocks of the README and of every page of docs/ run, page by page in one namespace."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PAGES = {
    str(page.relative_to(ROOT)): re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
}
# Names that a page takes for granted: series of the reader's own.
GIVEN = {"docs/data.md": {key: [1.0] for key in ("load", "other", "sun", "wind", "price")}}


def test_the_pages_with_code_are_found() -> None:
    names = (
        "agents",
        "data",
        "devices",
        "disturbances",
        "environment",
        "event-driven",
        "messaging",
        "networks",
        "optimization",
        "powerflow",
        "scheduling",
        "vector",
    )
    expected = {"README.md", *(f"docs/{name}.md" for name in names)}
    assert expected == {page for page, blocks in PAGES.items() if blocks}


@pytest.mark.parametrize("page", [page for page, blocks in PAGES.items() if blocks])
def test_the_code_of_a_page_runs(page: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__", **GIVEN.get(page, {})}
    for block in PAGES[page]:
        if "adapters.torchrl" in block and find_spec("torchrl") is None:
            continue  # an extra
        exec(compile(block, page, "exec"), names)


def test_the_fuel_cell_of_the_guide_is_that_of_the_example() -> None:
    example = (ROOT / "examples" / "09_fuel_cell.py").read_text()
    blocks = [
        b for b in PAGES["docs/devices.md"] if b.startswith(("MWH_PER", "ACTIVE", "KERN", "cl"))
    ]
    assert len(blocks) == 4
    for block in blocks:
        assert block in example
