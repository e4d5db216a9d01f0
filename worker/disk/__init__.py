"""What a child is given: packs, scratch folders, other networks, the folder of its run."""
