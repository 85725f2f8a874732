"""Bridges to reinforcement learning frameworks, one subpackage each, imported only when used."""
