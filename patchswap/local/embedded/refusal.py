"""Why `patchswap up` does not start, in one line for the person who typed it."""

from __future__ import annotations


class CannotStart(Exception):
    """The service cannot be started here; the message says why and what to do."""
