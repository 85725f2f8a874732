"""The documents under test, and the modules (seed_*.py) that these tests share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def blocks():
    """Return every block of every document; the tests are skipped where there are none."""
    from seed_documents import find_folder, read_blocks

    folder = find_folder()
    if folder is None:
        pytest.skip("no documents beside the checkout, nor in the folder HERON_SPEC_DIR")
    return read_blocks(folder)
