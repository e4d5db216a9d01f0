"""What a customer may do with a webhook: make, change, delete. Nothing here commits."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from core.accounts import quotas
from core.errors import Invalid
from core.ids import new_id
from core.tables import Webhook
from core.webhooks import addresses, recipients, secrets
from core.webhooks.formats import Format
from core.webhooks.thresholds import Threshold


def create(
    session: Session,
    tenant_id: str,
    *,
    url: str,
    events: Sequence[str],
    description: str | None = None,
    format: Format = "standard",  # noqa: A002 - as customers name it
    thresholds: Sequence[Threshold] = (),
) -> tuple[Webhook, str]:
    """A webhook and its secret. Raises UrlRefused, RecipientRefused, Invalid, QuotaExceeded or UnusableKeys."""
    _require_allowed(format, url)
    _require_something(events, thresholds)
    quotas.hold(session, tenant_id)
    quotas.require_webhooks(session, tenant_id)
    secret = secrets.new()
    webhook = Webhook(
        id=new_id("whk"),
        tenant_id=tenant_id,
        url=url,
        description=description,
        events=sorted(set(events)),
        format=format,
        thresholds=_stored(thresholds),
        secret=secrets.seal(secret),
    )
    session.add(webhook)
    session.flush()
    session.refresh(webhook)
    return webhook, secret


def change(session: Session, webhook: Webhook, changes: Mapping[str, Any]) -> None:
    """`url`, `events`, `thresholds`, `description`, `enabled`, those that are given. The caller holds its lock.

    Raises UrlRefused, RecipientRefused or Invalid.
    """
    changes = dict(changes)
    if "thresholds" in changes:
        changes["thresholds"] = _stored(map(Threshold.model_validate, changes["thresholds"]))
    _require_something(changes.get("events", webhook.events), changes.get("thresholds", webhook.thresholds))
    if "url" in changes:
        _require_allowed(webhook.format, changes["url"])
        webhook.failures, webhook.held_until = 0, None
    for name, value in changes.items():
        setattr(webhook, name, sorted(set(value)) if name == "events" else value)
    if changes.get("enabled"):
        webhook.disabled_reason = webhook.held_until = None
        webhook.failures = 0
    session.flush()


def _require_allowed(format_: str, url: str) -> None:
    if format_ == "email":
        recipients.require_allowed(url)
    elif url.lower().startswith("mailto:"):
        raise addresses.UrlRefused("For a `mailto:` address set `format` to `email`.", pointer="/format")
    else:
        addresses.require_allowed(url)


def _require_something(events: Sequence[str], thresholds: Sequence[Any]) -> None:
    if not events and not thresholds:
        raise Invalid("Name at least 1 event or 1 threshold. Otherwise nothing is sent.", pointer="/events")


def _stored(thresholds: Iterable[Threshold]) -> list[dict[str, Any]]:
    """Each once."""
    return [each.model_dump(exclude_none=True) for each in {each.name: each for each in thresholds}.values()]


def delete(session: Session, webhook: Webhook) -> None:
    """With all that is still owed to it. The caller holds its lock."""
    session.delete(webhook)
    session.flush()
