"""Power flow: set-points in, voltages and flows out."""
