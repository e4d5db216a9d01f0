"""The outbox: what happens is owed to webhooks in the very commit in which it happens, and rung for after it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import event, insert, select
from sqlalchemy.orm import Session

from core import queue
from core.ids import new_id
from core.tables import Webhook, WebhookDelivery
from core.webhooks.catalogue import ALL, EVENT_TYPES, Told, data_of, event_type

_OWED = "webhook deliveries to ring for"  # in `session.info`


def announce(session: Session, row: Told, type_: str | None = None, **more: Any) -> None:
    """Owe a message to each webhook that wants to hear of it: the row's new status, unless it has a type of its own.

    The caller has changed the row. `more` goes into the data.
    """
    type_ = type_ or event_type(row)
    if type_ not in EVENT_TYPES:
        return
    session.flush()
    # Held against deletion until the commit: the end of a job must not fail because a webhook goes.
    wanted = (
        select(Webhook.id)
        .where(Webhook.tenant_id == row.tenant_id, Webhook.enabled, Webhook.events.overlap([ALL, type_]))
        .order_by(Webhook.id)
        .with_for_update(read=True, key_share=True)
    )
    if webhook_ids := session.scalars(wanted).all():
        owe(session, row.tenant_id, webhook_ids, type_, data_of(row) | more)


def owe(session: Session, tenant_id: str, webhook_ids: Sequence[str], type_: str, data: Mapping[str, Any]) -> list[str]:
    """A message to each of these webhooks; gives the messages' ids."""
    rows = [
        {
            "id": new_id("whd"),
            "tenant_id": tenant_id,
            "webhook_id": webhook_id,
            "type": type_,
            "data": data,
            "status": "queued",
        }
        for webhook_id in webhook_ids
    ]
    session.execute(insert(WebhookDelivery), rows)
    ids = [str(row["id"]) for row in rows]
    ring_after_commit(session, ids)
    return ids


def ring_after_commit(session: Session, delivery_ids: Sequence[str]) -> None:
    """The caller of a caller commits, and need not know that anything was owed."""
    if _OWED not in session.info:
        session.info[_OWED] = []
        event.listen(session, "after_commit", _ring)
        event.listen(session, "after_rollback", _forget)
    session.info[_OWED] += delivery_ids


def _ring(session: Session) -> None:
    owed, session.info[_OWED] = session.info[_OWED], []
    for delivery_id in owed:
        if not queue.ring("worker.deliver", delivery_id):
            return  # each would take its second; the sweeper rings them all


def _forget(session: Session) -> None:
    session.info[_OWED] = []
