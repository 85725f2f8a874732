"""RLlib's speed: its own runner and learner beside the batched ones, on a shipped setup."""
