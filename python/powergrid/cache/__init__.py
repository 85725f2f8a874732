"""Results that take long to make, kept in files between runs."""
