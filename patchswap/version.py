"""The one place of the version: the build, and through it the service, read it here."""

from __future__ import annotations

VERSION = "0.1.0"
USER_AGENT = f"patchswap/{VERSION}"
