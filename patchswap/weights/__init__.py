"""Weights files on a person's machine: converted, or downloaded. Needs torch, which a client otherwise does without."""
