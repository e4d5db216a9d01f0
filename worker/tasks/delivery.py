"""A message to a webhook: claim it, send it once, write down what came back. When it is tried again is the ledger's."""

import logging

from sqlalchemy.orm import Session

from core.errors import Fenced
from core.settings import settings
from core.tables import Webhook, WebhookDelivery
from core.webhooks import deliveries, formats, secrets
from core.webhooks.deliveries import Answer
from worker.claims import claiming
from worker.claims.ledger_writes import LedgerAway, write_until_done
from worker.tasks import mailing, sending
from worker.telemetry import counters, logs

logger = logging.getLogger(__name__)
# Of the lease: an attempt is over, and its end is written, before anybody else may take the message.
LEASE_SHARE = 0.5


def run_delivery(delivery_id: str) -> None:
    """Answer the doorbell; a message that is not there to be sent now is normal."""
    claimed = claiming.answer("delivery", delivery_id, _claim)
    if claimed is None:
        return
    delivery, webhook = claimed
    about = {"delivery": delivery.id, "webhook": webhook.id, "fence": delivery.fence}
    with logs.about(**about, request_id=delivery.request_id):
        seconds = min(settings().webhook_timeout_seconds, settings().lease_seconds * LEASE_SHARE)
        _record(delivery, _send(delivery, webhook, seconds))


def _claim(session: Session, delivery_id: str) -> tuple[WebhookDelivery, Webhook] | None:
    return deliveries.claim(session, delivery_id, settings().worker_name)


def _send(delivery: WebhookDelivery, webhook: Webhook, seconds: float) -> Answer:
    if webhook.format == "email":
        return mailing.send(formats.email(webhook, delivery), seconds=seconds)
    try:
        in_force = secrets.in_force(webhook)
    except secrets.UnusableKeys:  # an operator's fault, which the customer sees and cannot mend
        logger.exception("the message cannot be signed")
        return Answer(None, "not sent: the service cannot sign it; tell its operator", 0.0)
    return sending.send(webhook.url, in_force, delivery.id, formats.body(webhook, delivery), seconds=seconds)


def _record(delivery: WebhookDelivery, answer: Answer) -> None:
    try:
        ended = write_until_done(lambda session: deliveries.record(session, delivery, answer))
    except LedgerAway as error:
        logger.warning("the ledger is away; the message will be sent again: %s", error)
    except Fenced:
        logger.warning("the claim of fence %d was lost, or the webhook was deleted", delivery.fence)
    else:
        waited = ended.finished_at - ended.queued_at if answer.accepted and ended.finished_at else None
        counters.delivered(answer, waited)
        logger.info("attempt %d: %s, %s", ended.attempts, answer.status or answer.text, ended.status)
