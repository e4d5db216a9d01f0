"""Datasets and their versions, uploads, samples."""
