"""Masks and boxes, held against their image."""
