"""Device agents and grid coordinators."""
