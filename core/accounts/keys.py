"""API keys: shown once, kept as SHA-256. A key belongs to a tenant and carries scopes."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core.errors import NotFound
from core.ids import new_id
from core.tables import ApiKey, Tenant

Granted = Literal["read", "write", "admin", "device"]  # by a tenant's admin
Scope = Literal[Granted, "operator"]  # the last by whoever runs the service
SCOPES: tuple[Granted, ...] = ("read", "write", "admin", "device")
PREFIX_LENGTH = 12
# The api asks this of a bare connection, for many requests at once.
PRINCIPALS = """
SELECT k.sha256, k.id, k.tenant_id, k.scopes,
    CASE WHEN t.suspended_at IS NOT NULL THEN t.suspended_reason END AS suspended
FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
WHERE k.sha256 = ANY(%(digests)s) AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())"""


@dataclass(frozen=True)
class Principal:
    """Who asks: a tenant, through one of its keys."""

    tenant_id: str
    key_id: str
    scopes: frozenset[str]
    suspended: str | None = None  # why the tenant is, where it is


def principal_of(key: ApiKey) -> Principal:
    return Principal(key.tenant_id, key.id, frozenset(key.scopes))


def tenant_name(session: Session, tenant_id: str) -> str:
    return session.scalars(select(Tenant.name).where(Tenant.id == tenant_id)).one()


def digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def create(
    session: Session, tenant_id: str, *, name: str, scopes: Sequence[str], expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """A new key's row and the key itself, which exists nowhere else."""
    secret = "psk_" + secrets.token_urlsafe(32)
    row = ApiKey(
        id=new_id("key"),
        tenant_id=tenant_id,
        name=name,
        prefix=secret[:PREFIX_LENGTH],
        sha256=digest(secret),
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
    )
    session.add(row)
    session.flush()
    return row, secret


def revoke(session: Session, tenant_id: str, key_id: str) -> None:
    """End a key at once. Revoking twice is no error."""
    statement = (
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.tenant_id == tenant_id)
        .values(revoked_at=func.coalesce(ApiKey.revoked_at, func.now()))
        .returning(ApiKey.id)
    )
    if session.scalars(statement).one_or_none() is None:
        raise NotFound


def ensure_tenant(session: Session, name: str) -> Tenant:
    tenant = session.scalars(select(Tenant).where(Tenant.name == name)).one_or_none()
    if tenant is None:
        tenant = Tenant(id=new_id("tnt"), name=name)
        session.add(tenant)
        session.flush()
    return tenant
