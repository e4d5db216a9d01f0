"""API keys, usage, and the recipes that an account can start from."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import Field

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


class UsageFigures(Resource):
    """`wall_seconds` is useful + lost + waiting; `device_seconds` is useful, times the devices held."""

    jobs: int
    attempts: int
    wall_seconds: float
    useful_seconds: float
    lost_seconds: float
    waiting_seconds: float
    device_seconds: float


class UsageRow(UsageFigures):
    """None where it is not in `group`, or where there is none."""

    day: date | None = None
    project: str | None = None
    device: str | None = None


class UsageReport(Resource):
    since: date = Field(alias="from")
    until: date = Field(alias="to")
    group: tuple[str, ...]
    data: tuple[UsageRow, ...]
    total: UsageFigures


class Worker(Resource):
    """A process of the service that takes work from a queue."""

    queue: str
    device: str
    release: str
    online: bool
    first_seen_at: datetime
    last_seen_at: datetime


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
