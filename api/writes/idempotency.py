"""`Idempotency-Key`: the answer to a POST is kept with its work, in the same commit, and given again to a repetition.

Errors are not kept: a repetition may succeed. `core` sweeps answers older than a day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from api import context
from api.wire import answers
from api.wire.bodies import JsonRequest
from api.writes.transactions import Database
from core.errors import IdempotencyInFlight, IdempotencyKeyReuse, Unauthorized
from core.tables import IdempotencyKey

KEPT = timedelta(hours=24)
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Any text. A repetition of the request with the same key within 24 h gets the first answer.",
    ),
]


class Replay(Exception):
    """The work was done before: the kept answer is the answer."""

    def __init__(self, response: Response) -> None:
        super().__init__("replay")
        self.response = response


@dataclass(frozen=True)
class Once:
    """One POST: its key, if it brought one, and where its answer is kept."""

    session: Session
    tenant_id: str
    key: str | None
    route: str
    body_sha256: bytes

    def answer(
        self,
        status: int,
        content: BaseModel | bytes,
        *,
        headers: Mapping[str, str] | None = None,
        kept: BaseModel | None = None,
    ) -> Response:
        """The response, kept if the caller commits. `kept` replaces the content where that holds a secret."""
        body = answers.encode(content)
        if self.key is not None:
            row: dict[str, Any] = {
                "tenant_id": self.tenant_id,
                "key": self.key,
                "route": self.route,
                "body_sha256": self.body_sha256,
                "status": status,
                "headers": dict(headers or {}),
                "body": answers.encode(kept) if kept is not None else body,
            }
            # Two can only come here where a route commits before its work (uploads' complete), which is idempotent.
            self.session.execute(insert(IdempotencyKey).values(row).on_conflict_do_nothing())
        return answers.json(status, body, headers=headers)

    def tell_once(self, status: int, told: BaseModel, secret: str, *, location: str | None = None) -> Response:
        """An answer whose field `secret` is in no cache, and null where it is given again."""
        headers = {"Cache-Control": "no-store"} | ({"Location": location} if location else {})
        return self.answer(status, told, headers=headers, kept=told.model_copy(update={secret: None}))


def begin(request: Request, session: Database, key: Key = None) -> Once:
    """Take the key for this transaction. Raises Replay, IdempotencyInFlight or IdempotencyKeyReuse."""
    principal = context.of(request.scope).principal
    if principal is None:
        raise Unauthorized
    raw = request.raw if isinstance(request, JsonRequest) else b""
    route = f"{request.method} {request.url.path}"
    once = Once(session, principal.tenant_id, key, route, hashlib.sha256(raw).digest())
    if key is not None:
        _take(once)
    return once


def _take(once: Once) -> None:
    name = f"{once.tenant_id} {once.key} {once.route}"
    lock = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    if not once.session.scalar(select(func.pg_try_advisory_xact_lock(lock))):
        raise IdempotencyInFlight
    where = (
        IdempotencyKey.tenant_id == once.tenant_id,
        IdempotencyKey.key == once.key,
        IdempotencyKey.route == once.route,
    )
    old = IdempotencyKey.created_at < func.now() - KEPT
    once.session.execute(delete(IdempotencyKey).where(*where, old))
    row = once.session.scalars(select(IdempotencyKey).where(*where)).one_or_none()
    if row is None:
        return
    if row.body_sha256 != once.body_sha256:
        raise IdempotencyKeyReuse
    raise Replay(answers.json(row.status, row.body, headers=row.headers | {"Idempotency-Replayed": "true"}))


OneTime = Annotated[Once, Depends(begin)]
