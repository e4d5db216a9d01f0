"""Who asks, and what they did."""
