"""Sampling for RLlib from many environments at once."""
