"""Image files of strangers: which are taken, and how one is decoded in a child process that is limited and has no keys.

The worker's ingest takes the same formats and sizes; it decodes whole archives in a child of its own.
"""

EXIT_REFUSED = 3
