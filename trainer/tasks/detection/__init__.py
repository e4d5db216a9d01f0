"""Detection: all that is its own."""
