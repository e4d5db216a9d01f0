"""Telling tenants' own servers what happens: what can be told, to whom, and the messages that are owed."""
