"""The Python and YAML blocks of the documents run against the installed package."""

from __future__ import annotations

import pytest
from seed_documents import find_folder
from seed_runs import run_blocks, summary

FOLDER = find_folder()
DOCUMENTS = [] if FOLDER is None else sorted(path.name for path in FOLDER.glob("*.txt"))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_blocks_run(document, blocks, tmp_path):
    outcomes = run_blocks([block for block in blocks if block.place[0] == document], tmp_path)
    print(summary(outcomes))  # noqa: T201  # shown by pytest -rA
    assert [outcome for outcome in outcomes if outcome.how == "failed"] == []
    assert [outcome.place for outcome in outcomes if outcome.how == "refused"] == []
