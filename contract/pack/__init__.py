"""What an immutable dataset version holds."""
