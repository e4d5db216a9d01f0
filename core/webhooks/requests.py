"""What a customer may do with a webhook: make, change, delete. Nothing here commits."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from core.accounts import quotas
from core.ids import new_id
from core.tables import Webhook
from core.webhooks import addresses, secrets


def create(
    session: Session, tenant_id: str, *, url: str, events: Sequence[str], description: str | None
) -> tuple[Webhook, str]:
    """A webhook and its secret. Raises UrlRefused, QuotaExceeded or UnusableKeys."""
    addresses.require_allowed(url)
    quotas.hold(session, tenant_id)
    quotas.require_webhooks(session, tenant_id)
    secret = secrets.new()
    webhook = Webhook(
        id=new_id("whk"),
        tenant_id=tenant_id,
        url=url,
        description=description,
        events=sorted(set(events)),
        secret=secrets.seal(secret),
    )
    session.add(webhook)
    session.flush()
    session.refresh(webhook)
    return webhook, secret


def change(session: Session, webhook: Webhook, changes: Mapping[str, Any]) -> None:
    """`url`, `events`, `description`, `enabled`, those that are given. Raises UrlRefused. The caller holds its lock."""
    if "url" in changes:
        addresses.require_allowed(changes["url"])
        webhook.failures, webhook.held_until = 0, None
    for name, value in changes.items():
        setattr(webhook, name, sorted(set(value)) if name == "events" else value)
    if changes.get("enabled"):
        webhook.disabled_reason = webhook.held_until = None
        webhook.failures = 0
    session.flush()


def delete(session: Session, webhook: Webhook) -> None:
    """With all that is still owed to it. The caller holds its lock."""
    session.delete(webhook)
    session.flush()
