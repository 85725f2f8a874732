"""Bridges to reinforcement learning frameworks, one module each, imported only when used."""
