"""Classification: all that is its own."""
