"""Power-specific features, states and configuration."""
