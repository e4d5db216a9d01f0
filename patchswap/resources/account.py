"""API keys, and the recipes that an account can start from."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from patchswap.resources.bound import Resource


class ApiKey(Resource):
    """`api_key` is there once, in the answer to its creation."""

    id: str
    name: str
    prefix: str
    scopes: tuple[str, ...]
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    created_at: datetime
    api_key: str | None = None


class LoginLink(Resource):
    """Logs one browser in, within a minute."""

    secret: str
    ends_at: datetime


class AuditEntry(Resource):
    """One change that was made over HTTP."""

    id: str
    at: datetime
    key_id: str
    request_id: str
    method: str
    path: str


class Recipe(Resource):
    name: str
    description: str
    parameters: int | None = None
    macs: int | None = None
    run_here: bool = False
    spec: dict[str, Any] = {}
