"""Long evidence that the environment's engine does what it should."""
