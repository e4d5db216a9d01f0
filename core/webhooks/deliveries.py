"""Messages on their way: claimed, answered, tried again with growing pauses for a day, given up, asked for again.

A webhook that does not answer at all is held: a worker waits for it once, and not once for each of its messages.
"""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, case, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from core import request_id
from core.database import leases, owned
from core.database.leases import Conditions
from core.errors import Conflict, NotFound
from core.settings import settings
from core.tables import Webhook, WebhookDelivery
from core.webhooks import outbox
from core.webhooks.catalogue import PING

PAUSE_GROWTH = 3
LONGEST_PAUSE_SECONDS = 14_400.0
LONGEST_HOLD_SECONDS = 300.0
JITTER = 0.2
KEPT = timedelta(days=30)
GONE = 410  # "do not send me anything any more" (Standard Webhooks)
# What may be sent now.
DUE: Conditions = (
    WebhookDelivery.due_at <= func.now(),
    exists().where(
        Webhook.id == WebhookDelivery.webhook_id,
        Webhook.enabled,
        or_(Webhook.held_until.is_(None), Webhook.held_until <= func.now()),
    ),
)


class WebhookDisabled(Conflict):
    """The webhook is disabled. Enable it first: PATCH it with {"enabled": true}."""


@dataclass(frozen=True)
class Answer:
    """What came of one attempt."""

    status: int | None  # None: there was no answer
    text: str  # how the body begins, or why there was no answer
    seconds: float

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def claim(session: Session, delivery_id: str, worker: str) -> tuple[WebhookDelivery, Webhook] | None:
    """A message that may be sent now, and where to; None where there is none, which is normal."""
    delivery = leases.claim(session, WebhookDelivery, delivery_id, worker, DUE)
    return (delivery, session.get_one(Webhook, delivery.webhook_id)) if delivery else None


def record(session: Session, held: WebhookDelivery, answer: Answer) -> WebhookDelivery:
    """The end of an attempt: accepted, to be tried again, or given up. Raises Fenced."""
    # The webhook first, as whoever deletes it takes them: in the other order two could wait for each other.
    session.execute(update(Webhook).where(Webhook.id == held.webhook_id).values(**_health(answer)))
    return leases.release(
        session,
        WebhookDelivery,
        held.id,
        held.fence,
        answer_status=answer.status,
        answer=answer.text,
        answer_seconds=answer.seconds,
        attempted_at=func.now(),
        rung_at=None,
        **_next(held, answer),
    )


def end_attempt(delivery: WebhookDelivery) -> None:
    """Its worker fell silent, and whether the receiver heard of it nobody knows. The caller holds the row's lock."""
    delivery.status = "queued"
    delivery.worker = delivery.lease_expires_at = delivery.rung_at = None
    delivery.due_at = func.now() + _pause(delivery.attempts)


def sweep(session: Session, *, limit: int) -> None:
    """Give up what could not be sent within its time, also where nobody tried, and forget what ended long ago.

    At most so many of each, and none that somebody holds: the next look finds the rest.
    """
    late = select(WebhookDelivery.id).where(
        WebhookDelivery.status == "queued", WebhookDelivery.queued_at < func.now() - _give_up()
    )
    old = select(WebhookDelivery.id).where(WebhookDelivery.finished_at < func.now() - KEPT)
    late, old = (found.limit(limit).with_for_update(skip_locked=True) for found in (late, old))
    given_up = {"status": "failed", "finished_at": func.now()}
    session.execute(update(WebhookDelivery).where(WebhookDelivery.id.in_(late)).values(**given_up))
    session.execute(delete(WebhookDelivery).where(WebhookDelivery.id.in_(old)))


def find(session: Session, tenant_id: str, webhook_id: str, delivery_id: str, *, lock: bool = False) -> WebhookDelivery:
    """Raises NotFound where it is another webhook's."""
    delivery = owned.find(session, WebhookDelivery, tenant_id, delivery_id, lock=lock)
    if delivery.webhook_id != webhook_id:
        raise NotFound
    return delivery


def redeliver(session: Session, tenant_id: str, webhook_id: str, delivery_id: str) -> WebhookDelivery:
    """Send a message once more, under its old id, or now instead of later. Rung when the caller commits.

    Raises WebhookDisabled.
    """
    webhook = _enabled(session, tenant_id, webhook_id)
    delivery = find(session, tenant_id, webhook.id, delivery_id, lock=True)
    if delivery.status == "running":
        return delivery
    if delivery.status != "queued":
        delivery.status, delivery.attempts, delivery.finished_at = "queued", 0, None
        delivery.queued_at = func.now()
    delivery.due_at, delivery.rung_at, delivery.request_id = func.now(), None, request_id.current()
    session.flush()
    session.refresh(delivery)
    outbox.ring_after_commit(session, [delivery.id])
    return delivery


def ping(session: Session, tenant_id: str, webhook_id: str) -> WebhookDelivery:
    """A message of no event, to try the receiver. Rung when the caller commits. Raises WebhookDisabled."""
    webhook = _enabled(session, tenant_id, webhook_id)
    (delivery_id,) = outbox.owe(session, tenant_id, [webhook.id], PING, {"webhook_id": webhook.id})
    return session.get_one(WebhookDelivery, delivery_id)


def _enabled(session: Session, tenant_id: str, webhook_id: str) -> Webhook:
    """Somebody looks after it just now: whatever it is held for is tried again."""
    webhook = owned.find(session, Webhook, tenant_id, webhook_id, lock=True)
    if not webhook.enabled:
        raise WebhookDisabled
    webhook.held_until = None
    session.flush()
    return webhook


def _health(answer: Answer) -> dict[str, Any]:
    """What an answer says of the webhook as a whole."""
    if answer.accepted:
        return {"failures": 0, "held_until": None}
    failures: dict[str, Any] = {"failures": Webhook.failures + 1}
    if answer.status == GONE:
        return failures | {"enabled": False, "disabled_reason": "its receiver answered 410 Gone"}
    if answer.status is not None:
        return failures
    grown = settings().webhook_retry_seconds * func.power(PAUSE_GROWTH, func.least(Webhook.failures, 10))
    seconds = func.least(grown, LONGEST_HOLD_SECONDS)
    return failures | {"held_until": func.now() + seconds * timedelta(seconds=1)}


def _next(held: WebhookDelivery, answer: Answer) -> dict[str, Any]:
    if answer.accepted:
        return {"status": "succeeded", "finished_at": func.now()}
    if answer.status == GONE:
        return {"status": "failed", "finished_at": func.now()}
    pause = _pause(held.attempts)
    too_late = and_(WebhookDelivery.queued_at + _give_up() < func.now() + pause)
    return {
        "status": case((too_late, "failed"), else_="queued"),
        "finished_at": case((too_late, func.now()), else_=None),
        "due_at": func.now() + pause,
    }


def _pause(attempts: int) -> timedelta:
    """After so many attempts: 5 s, 15 s, 45 s and so on up to four hours, a fifth more or less."""
    grown = settings().webhook_retry_seconds * PAUSE_GROWTH ** min(max(attempts, 1) - 1, 10)
    spread = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - so that not all come at the same moment
    return timedelta(seconds=min(grown, LONGEST_PAUSE_SECONDS) * spread)


def _give_up() -> timedelta:
    return timedelta(seconds=settings().webhook_give_up_seconds)
