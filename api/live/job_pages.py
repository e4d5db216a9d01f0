"""`GET /v1/jobs/{id}` at speed: rendered once per version of a job, and asked for by many at once.

A poll costs its share of one small query; the page itself is read and rendered only when the row has changed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.live.batching import Batcher
from api.live.connection import Reader
from api.schemas import jobs as schema
from api.wire import answers
from core.errors import NotFound
from core.jobs import views
from core.tables.states import TERMINAL

KEPT_PAGES = 4_096  # of about 3 KB


@dataclass(frozen=True)
class RenderedJob:
    tenant_id: str
    is_over: bool
    version: tuple[Any, ...]
    body: bytes
    headers: dict[str, str]  # ETag and the cadence for pollers

    @property
    def tag(self) -> str:
        return self.headers["ETag"]


class JobPages:
    """Rendered jobs by id, never older than the request that asks."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._kept: OrderedDict[str, RenderedJob] = OrderedDict()
        self._batcher: Batcher[str, RenderedJob] = Batcher(self._read)

    async def find(self, tenant_id: str, job_id: str) -> RenderedJob:
        """Raises NotFound for another tenant's job just as for none."""
        job = await self._batcher.load(job_id)
        if job is None or job.tenant_id != tenant_id:
            raise NotFound.by(job_id)
        return job

    async def _read(self, job_ids: Sequence[str]) -> Mapping[str, RenderedJob]:
        rows = await self._reader.rows(views.VERSIONS, ids=list(job_ids))
        found = {}
        for row in rows:
            kept = self._kept.get(row["id"])
            if kept is not None and kept.version == _version(row):
                found[row["id"]] = kept
        changed = [row["id"] for row in rows if row["id"] not in found]
        if changed:
            found |= {row["id"]: render(row) for row in await self._reader.rows(views.PAGES, ids=changed)}
            self._keep({job_id: found[job_id] for job_id in changed if job_id in found})
        return found

    def _keep(self, rendered: Mapping[str, RenderedJob]) -> None:
        for job_id, page in rendered.items():
            self._kept[job_id] = page
            self._kept.move_to_end(job_id)
        while len(self._kept) > KEPT_PAGES:
            self._kept.popitem(last=False)


def render(row: Mapping[str, Any]) -> RenderedJob:
    body = answers.encode(schema.page(row))
    headers = {"ETag": answers.entity_tag(body), "Cache-Control": "private, no-cache"}
    is_over = row["status"] in TERMINAL
    if not is_over:
        headers["Retry-After"] = "1" if row["status"] == "running" else "2"
    return RenderedJob(row["tenant_id"], is_over, _version(row), body, headers)


def _version(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["version"], row["stale"], row["position"]
