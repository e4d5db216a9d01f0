"""What runs a model, one file a format: in a bundle it is `runtime.py`. numpy and the format's own runtime only."""
