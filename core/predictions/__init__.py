"""What models said of images: of their held-out splits, and of other dataset versions that were asked for."""
