"""Power grids for multi-agent reinforcement learning: networks, devices, data, environments."""
