"""The vision tasks, one file each: its network, its targets, its metric."""
