"""A critic that sees the state of the whole environment, beside actors that do not."""
