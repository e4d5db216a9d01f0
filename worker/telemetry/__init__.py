"""What a worker counts and logs."""
