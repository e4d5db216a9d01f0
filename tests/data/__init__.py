"""Makers of the data the tests train on and push. Nothing is downloaded."""
