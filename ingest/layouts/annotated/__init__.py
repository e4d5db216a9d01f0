"""Layouts with masks or boxes beside the images."""
