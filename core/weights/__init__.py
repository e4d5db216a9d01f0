"""Networks that a job begins with or learns from."""
