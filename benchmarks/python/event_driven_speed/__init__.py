"""What running by events costs beside running in lock-step."""
