"""The zip that a customer downloads."""
