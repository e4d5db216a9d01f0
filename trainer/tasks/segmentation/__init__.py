"""Segmentation: all that is its own."""
