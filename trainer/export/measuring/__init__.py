"""A file that was written, run and held against the trained network."""
