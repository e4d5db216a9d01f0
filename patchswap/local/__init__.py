"""The service on this machine: where its code is, and what it needs to be installed."""
