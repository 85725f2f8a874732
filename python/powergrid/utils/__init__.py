"""Cost and safety formulas shared by devices, environments and users."""
