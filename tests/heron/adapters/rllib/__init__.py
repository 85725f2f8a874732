"""A package, for its tests share one Ray."""
