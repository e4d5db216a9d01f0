"""One image file of a stranger, decoded in a child process that is limited and has no keys.

`ingest` takes the same formats and sizes; it decodes whole archives in a child of its own.
"""

EXIT_REFUSED = 3
