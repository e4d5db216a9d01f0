"""Where a server of yours is told what happens, and what it was told."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from patchswap.resources.bound import Resource


class Webhook(Resource):
    """`secret` is there once, in the answer to its creation or rotation."""

    id: str
    url: str
    description: str | None = None
    events: tuple[str, ...]
    format: Literal["standard", "slack", "email"] = "standard"
    thresholds: tuple[dict[str, Any], ...] = ()  # {"metric": "val.top1_accuracy", "above": 0.9}
    enabled: bool
    disabled_reason: str | None = None
    former_secrets_until: datetime | None = None  # messages are signed with the secrets before, too
    created_at: datetime
    secret: str | None = None


class Delivery(Resource):
    """A message to a webhook; its id is the `webhook-id` that the receiver sees."""

    id: str
    webhook_id: str
    type: str
    data: dict[str, Any]
    status: Literal["queued", "running", "succeeded", "failed"]
    attempts: int
    attempted_at: datetime | None = None
    answer_status: int | None = None  # None after an attempt: there was no answer
    answer: str | None = None
    next_attempt_at: datetime | None = None
    created_at: datetime
    finished_at: datetime | None = None
