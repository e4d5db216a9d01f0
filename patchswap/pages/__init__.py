"""HTML pages to look at data: one file each, without scripts, that asks no host for anything."""
