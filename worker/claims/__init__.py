"""A row held while work on it advances."""
