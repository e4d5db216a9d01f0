"""Lists of the service, page by page, by keyset cursor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from patchswap.transport import Transport

PAGE = 100


def items(transport: Transport, path: str, **params: Any) -> Iterator[dict[str, Any]]:
    """Every item of a list; the next page is fetched when it is needed."""
    page = transport.get(path, **{"limit": PAGE} | params)
    yield from page["data"]
    while page["has_more"] and page["last_id"] is not None:
        page = transport.get(path, **{"limit": PAGE} | params | {"after": page["last_id"]})
        yield from page["data"]
