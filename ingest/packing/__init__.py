"""Samples are staged, split, compared, written."""
