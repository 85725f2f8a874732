"""What all tests share: no screen, one thread, caches of their own, reproducible examples."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from powergrid.agents.registry import DEVICE_REGISTRY

os.environ.setdefault("MPLBACKEND", "Agg")
# Several processes test at once, and threads that wait for each other on a core that they share
# take ten times as long over a small network's training as one.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Each run tries the same examples, so a red build stays red until it is mended; the search for
# new ones is `pytest --hypothesis-profile=explore`.
settings.register_profile("reproducible", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("explore", deadline=None, max_examples=2_000)
settings.load_profile("reproducible")


def pytest_configure(config: pytest.Config) -> None:
    """Keep compiled networks and modules for this run only, in one folder for all its processes."""
    if not hasattr(config, "workerinput"):  # a worker of pytest-xdist inherits its controller's
        folder = tempfile.TemporaryDirectory(prefix="heron-cache-", ignore_cleanup_errors=True)
        os.environ["HERON_CACHE_DIR"] = folder.name
        # Without byte-code a process that imports Ray and Torch is busy for 15 s before it begins.
        os.environ["PYTHONPYCACHEPREFIX"] = str(Path(folder.name) / "byte-code")
        os.environ["PYTHONDONTWRITEBYTECODE"] = ""
        config.add_cleanup(folder.cleanup)


@pytest.fixture(autouse=True)
def same_kinds_of_devices() -> Iterator[None]:
    """Take back the kinds of devices that a test, or the document that it runs, registered."""
    kinds = dict(DEVICE_REGISTRY)
    yield
    DEVICE_REGISTRY.clear()
    DEVICE_REGISTRY.update(kinds)
