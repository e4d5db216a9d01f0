"""The service on this machine."""
