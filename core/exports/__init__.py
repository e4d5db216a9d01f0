"""Files to download: asked for, published, measured, served."""
