"""Pure-Python twins of the native parts, written for reading."""
