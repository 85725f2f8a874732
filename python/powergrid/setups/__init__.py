"""Shipped environments: configuration, network and series that belong together."""
