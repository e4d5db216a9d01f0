"""Who calls, and what their repeated requests were answered."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.row import Owned, Row


class Tenant(Row):
    __tablename__ = "tenants"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    suspended_at: Mapped[datetime | None]  # its keys are refused and its work waits: core.jobs.suspension
    suspended_reason: Mapped[str | None]  # as its keys are told
    served_at: Mapped[datetime | None]  # when a job of it was claimed last: `core.jobs.turns`
    short_served_at: Mapped[datetime | None]  # the same of short work: `core.database.short_turns`


class ApiKey(Owned, Row):
    __tablename__ = "api_keys"

    name: Mapped[str]
    prefix: Mapped[str]  # the first characters, so that a person recognises the key
    sha256: Mapped[bytes] = mapped_column(unique=True)  # the key itself is never stored
    scopes: Mapped[list[str]]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_api_keys_tenant_id_id", "tenant_id", "id"),)


class IdempotencyKey(Row):
    __tablename__ = "idempotency_keys"

    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    body_sha256: Mapped[bytes]
    status: Mapped[int]
    headers: Mapped[dict[str, Any]]
    body: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
