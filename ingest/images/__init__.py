"""One image: decoded, named, its metadata left behind."""
