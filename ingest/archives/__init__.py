"""Strangers' archives, opened: members named, sizes bounded."""
