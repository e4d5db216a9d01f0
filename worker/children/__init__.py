"""A child process, started and attended."""
