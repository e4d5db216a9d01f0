"""Webhooks: where to tell what happens, what was told, and telling it again. Workers do the telling."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Query, Request, Response

from api.identity.authentication import Reading, Writing
from api.routes import documented
from api.schemas.webhooks import Delivery, NewWebhook, Rotation, Webhook, WebhookChange, WebhookWithSecret
from api.wire import answers, paging
from api.wire.bodies import JsonRoute
from api.wire.paging import InOrder, Page
from api.wire.path_ids import DeliveryId, WebhookId
from api.writes.idempotency import OneTime
from api.writes.transactions import Database
from core import listing, tables
from core.database import owned
from core.errors import Unavailable
from core.webhooks import deliveries, requests, secrets
from core.webhooks.formats import Format
from core.webhooks.thresholds import Threshold

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], route_class=JsonRoute)
_WRITE = documented.problems(*documented.WRITE)
_GET = documented.problems(*documented.READ) | documented.NOT_MODIFIED


@router.post("", status_code=201, operation_id="create_webhook", response_model=WebhookWithSecret, responses=_WRITE)
def create_webhook(principal: Writing, once: OneTime, session: Database, body: NewWebhook) -> Response:
    """Create a webhook. Its secret is in this answer only, not in the answer to a repetition."""
    with _sealing():
        row, secret = requests.create(
            session,
            principal.tenant_id,
            url=body.url,
            events=body.events,
            description=body.description,
            format=body.format,
            thresholds=body.thresholds,
        )
    answer = once.tell_once(201, _with_secret(row, secret), "secret", location=f"/v1/webhooks/{row.id}")
    session.commit()
    return answer


@router.get(
    "", operation_id="list_webhooks", response_model=Page[Webhook], responses=documented.problems(*documented.LIST)
)
def list_webhooks(request: Request, principal: Reading, session: Database, window: InOrder) -> Response:
    found = listing.webhooks(session, principal.tenant_id, window)
    return paging.page(request, [(webhook.id, _page(webhook)) for webhook in found], window.limit)


@router.get("/{webhook_id}", operation_id="get_webhook", response_model=Webhook, responses=_GET)
def get_webhook(request: Request, principal: Reading, session: Database, webhook_id: WebhookId) -> Response:
    return answers.one(request, _page(owned.find(session, tables.Webhook, principal.tenant_id, webhook_id)))


@router.patch(
    "/{webhook_id}",
    operation_id="change_webhook",
    response_model=Webhook,
    responses=documented.problems(*documented.WRITE, 412),
)
def change_webhook(
    request: Request, principal: Writing, session: Database, webhook_id: WebhookId, body: WebhookChange
) -> Response:
    """Change a webhook. While it is disabled, events are not sent later; messages that wait are kept for a day."""
    row = owned.find(session, tables.Webhook, principal.tenant_id, webhook_id, lock=True)
    answers.require_match(request, lambda: _tag(row))
    requests.change(session, row, body.model_dump(exclude_unset=True))
    answer = answers.json(200, answers.encode(_page(row)), headers={"ETag": _tag(row)})
    session.commit()
    return answer


@router.delete(
    "/{webhook_id}",
    status_code=204,
    response_class=Response,
    operation_id="delete_webhook",
    responses=documented.problems(*documented.REMOVE),
)
def delete_webhook(request: Request, principal: Writing, session: Database, webhook_id: WebhookId) -> Response:
    """Delete a webhook, with its waiting messages."""
    row = owned.find(session, tables.Webhook, principal.tenant_id, webhook_id, lock=True)
    answers.require_match(request, lambda: _tag(row))
    requests.delete(session, row)
    session.commit()
    return answers.nothing()


@router.post(
    "/{webhook_id}/rotate_secret",
    operation_id="rotate_webhook_secret",
    response_model=WebhookWithSecret,
    responses=_WRITE,
)
def rotate_webhook_secret(
    principal: Writing, once: OneTime, session: Database, webhook_id: WebhookId, body: Rotation | None = None
) -> Response:
    """Replace the secret. The new one is in this answer only. For a day, or as long as you say, both sign."""
    row = owned.find(session, tables.Webhook, principal.tenant_id, webhook_id, lock=True)
    with _sealing():
        secret = secrets.rotate(session, row, overlap_seconds=(body or Rotation()).overlap_seconds)
    answer = once.tell_once(200, _with_secret(row, secret), "secret")
    session.commit()
    return answer


@router.post(
    "/{webhook_id}/ping", status_code=202, operation_id="ping_webhook", response_model=Delivery, responses=_WRITE
)
def ping_webhook(principal: Writing, once: OneTime, session: Database, webhook_id: WebhookId) -> Response:
    """Send a message of the type `ping`. The result is in the deliveries."""
    delivery = deliveries.ping(session, principal.tenant_id, webhook_id)
    headers = {"Location": f"/v1/webhooks/{webhook_id}/deliveries/{delivery.id}"}
    answer = once.answer(202, _delivery(delivery), headers=headers)
    session.commit()
    return answer


@router.get(
    "/{webhook_id}/deliveries",
    operation_id="list_webhook_deliveries",
    response_model=Page[Delivery],
    responses=documented.problems(*documented.LIST),
)
def list_webhook_deliveries(
    request: Request,
    principal: Reading,
    session: Database,
    window: InOrder,
    webhook_id: WebhookId,
    *,
    status: Annotated[
        Literal["queued", "running", "succeeded", "failed"] | None, Query(description="Only messages with this status.")
    ] = None,
) -> Response:
    """List messages and their answers. They are kept for 30 days."""
    found = listing.deliveries(session, principal.tenant_id, webhook_id, window, status=status)
    return paging.page(request, [(delivery.id, _delivery(delivery)) for delivery in found], window.limit)


@router.get(
    "/{webhook_id}/deliveries/{delivery_id}",
    operation_id="get_webhook_delivery",
    response_model=Delivery,
    responses=_GET,
)
def get_webhook_delivery(
    request: Request, principal: Reading, session: Database, webhook_id: WebhookId, delivery_id: DeliveryId
) -> Response:
    return answers.one(request, _delivery(deliveries.find(session, principal.tenant_id, webhook_id, delivery_id)))


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/redeliver",
    status_code=202,
    operation_id="redeliver_webhook_delivery",
    response_model=Delivery,
    responses=_WRITE,
)
def redeliver_webhook_delivery(
    principal: Writing, once: OneTime, session: Database, webhook_id: WebhookId, delivery_id: DeliveryId
) -> Response:
    """Send a message again, with the same `webhook-id`. One that waits for its next attempt is sent at once."""
    delivery = deliveries.redeliver(session, principal.tenant_id, webhook_id, delivery_id)
    answer = once.answer(202, _delivery(delivery))
    session.commit()
    return answer


@contextmanager
def _sealing() -> Iterator[None]:
    """Raises Unavailable where the service has no key to seal with: which file is wrong is the operator's to read."""
    try:
        yield
    except secrets.UnusableKeys as error:
        raise Unavailable(
            "The keys for webhooks cannot be read. Ask the service's operator to check PATCHSWAP_WEBHOOK_KEYS_FILE."
        ) from error


def _with_secret(row: tables.Webhook, secret: str) -> WebhookWithSecret:
    return WebhookWithSecret(**_page(row).model_dump(), secret=secret)


def _page(row: tables.Webhook) -> Webhook:
    return Webhook(
        id=row.id,
        url=row.url,
        description=row.description,
        events=row.events,
        format=cast("Format", row.format),
        thresholds=[Threshold.model_validate(each) for each in row.thresholds],
        enabled=row.enabled,
        disabled_reason=row.disabled_reason,
        former_secrets_until=row.former_secrets_until,
        created_at=row.created_at,
        links={"self": f"/v1/webhooks/{row.id}", "deliveries": f"/v1/webhooks/{row.id}/deliveries"},
    )


def _tag(row: tables.Webhook) -> str:
    return answers.entity_tag(answers.encode(_page(row)))


def _delivery(row: tables.WebhookDelivery) -> Delivery:
    return Delivery(
        id=row.id,
        webhook_id=row.webhook_id,
        type=row.type,
        data=row.data,
        status=row.status,
        attempts=row.attempts,
        attempted_at=row.attempted_at,
        answer_status=row.answer_status,
        answer=row.answer,
        answer_seconds=row.answer_seconds,
        next_attempt_at=row.due_at if row.status == "queued" else None,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
