"""Pages of the docs site that are written from the code, and what MkDocs asks for on the way (hooks.py)."""
