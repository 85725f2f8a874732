"""What the benchmark of starting consists of."""
