"""The version of this package, as installed."""

from __future__ import annotations

from importlib import metadata

VERSION = metadata.version("patchswap")
USER_AGENT = f"patchswap/{VERSION}"
