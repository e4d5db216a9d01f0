"""One image file of a stranger, decoded in a child process that is limited and has no keys."""
