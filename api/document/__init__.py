"""The OpenAPI document, read: as a page for people, and against the one that was released."""
