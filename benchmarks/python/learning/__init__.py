"""What learned policies are worth on a shipped setup."""
