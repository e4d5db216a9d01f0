"""Removing channels of a trained network, and what the smaller one is still taught by the whole one."""
