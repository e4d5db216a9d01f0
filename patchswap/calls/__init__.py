"""The calls of a client, a module a resource."""
