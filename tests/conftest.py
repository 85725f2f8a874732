"""What all tests share: figures without a screen, and reproducible Hypothesis runs."""

from __future__ import annotations

import os

from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")

# Each run tries the same examples, so a red build stays red until it is mended; the search for
# new ones is `pytest --hypothesis-profile=explore`.
settings.register_profile("reproducible", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("explore", deadline=None, max_examples=2_000)
settings.load_profile("reproducible")
