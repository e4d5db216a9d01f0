"""What is built of this checkout, and what is installed by which name."""
