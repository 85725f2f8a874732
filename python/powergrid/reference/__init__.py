"""Twins of the compiled parts in plain Python, written for reading."""
