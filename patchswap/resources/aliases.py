"""Names that point at a model and a file of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from patchswap.resources.bound import Bound, Resource
from patchswap.resources.models import Export


class Alias(Bound):
    name: str
    revision: int
    model_id: str
    export_id: str
    file: dict[str, Any]  # format, precision, bytes and sha256
    created_at: datetime
    changed_at: datetime
    etag: str | None = None  # of the answer that told it; to change it only as it is

    def export(self) -> Export:
        found: Export = self.client.exports.get(self.export_id)
        return found


class AliasChange(Resource):
    name: str
    revision: int
    model_id: str | None = None  # None: the alias was deleted
    export_id: str | None = None
    key_id: str | None = None
    at: datetime
