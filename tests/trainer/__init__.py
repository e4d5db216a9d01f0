"""The trainer, tested by properties."""
