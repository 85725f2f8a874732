"""The learner's side for RLlib: train batches of whole arrays."""
