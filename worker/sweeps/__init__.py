"""Trials of sweeps, driven from the ledger."""
