"""Which images, in what order."""
