"""The environment's speed: singly, in batches, by stage, beside its reference and a peer."""
