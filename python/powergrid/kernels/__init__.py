"""What is worked out for all lanes at once: compiled functions over arrays, nothing else.

The modules import NumPy, Numba and math only, so that a kernel knows no agent, no environment and
no network. Each kernel has a plain Python twin: the hooks of the device it belongs to, or its own
uncompiled form (``kernel.py_func``).
"""
