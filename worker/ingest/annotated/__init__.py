"""Masks and boxes: how each layout states them, and how they are held against the image they belong to."""
