"""After a row is gone: its objects. Whatever is left behind, the worker's sweep for orphans finds."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from fastapi import Response
from starlette.background import BackgroundTask

from core.errors import StoreUnavailable
from core.store import storage

logger = logging.getLogger(__name__)


def forget(prefixes: Sequence[str]) -> Response:
    """204 at once; the objects under these prefixes go after it was sent."""
    return Response(status_code=204, background=BackgroundTask(_delete, prefixes))


def _delete(prefixes: Sequence[str]) -> None:
    for prefix in prefixes:
        try:
            storage.delete_prefix(prefix)
        except StoreUnavailable as error:
            logger.warning("objects under %s are left to the sweep for orphans: %s", prefix, error)
