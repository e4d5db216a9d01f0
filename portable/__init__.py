"""What a bundle carries away: numpy and Pillow only, each file copied into bundles as it is."""
