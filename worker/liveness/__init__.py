"""Whether this worker still takes messages, and how it ends."""
