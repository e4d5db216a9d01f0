"""A webhook of the tests' tenant, and what became of its messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from core.database.database import transaction
from core.tables import Webhook, WebhookDelivery
from core.webhooks import requests
from tests.servers.receiver import Receiver
from tests.worker import seed


def webhook(
    receiver: Receiver, *, events: Sequence[str] = ("*",), tenant_id: str | None = None, **more: Any
) -> Webhook:
    with transaction() as session:
        tenant_id = tenant_id or seed.tenant()
        row, secret = requests.create(session, tenant_id, url=receiver.url, events=events, **more)
    receiver.secrets.append(secret)
    return row


def owed(webhook: Webhook) -> list[WebhookDelivery]:
    """Oldest first."""
    with transaction() as session:
        statement = select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook.id)
        return list(session.scalars(statement.order_by(WebhookDelivery.id)))


def read(webhook: Webhook) -> Webhook:
    with transaction() as session:
        return session.get_one(Webhook, webhook.id)
