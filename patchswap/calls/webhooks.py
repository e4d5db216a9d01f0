"""Webhooks: have a server of yours told what happens. What that server does with a message: `verify_webhook`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from patchswap.calls import pages
from patchswap.resources import Delivery, Webhook
from patchswap.transport import Transport, read_json


class Webhooks:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        url: str,
        *,
        events: Sequence[str] = ("*",),
        description: str | None = None,
        format: str = "standard",  # noqa: A002 - as the service names it
        thresholds: Sequence[Mapping[str, Any]] = (),
    ) -> Webhook:
        """The new webhook; its `secret` is told this once.

        `format`: standard, slack or email. `thresholds`: `{"metric": "val.top1_accuracy", "above": 0.9}` and the like,
        told once a job; with `events=()` nothing else is.
        """
        body: dict[str, Any] = {"url": url, "events": list(events)}
        if format != "standard":
            body["format"] = format
        if thresholds:
            body["thresholds"] = [dict(each) for each in thresholds]
        if description is not None:
            body["description"] = description
        webhook = Webhook.model_validate(self._transport.post("/v1/webhooks", body))
        if webhook.secret is None:  # the answer that told it got lost: nobody can verify this one's messages
            self.delete(webhook.id)
            return self.create(url, events=events, description=description, format=format, thresholds=thresholds)
        return webhook

    def get(self, webhook_id: str) -> Webhook:
        return Webhook.model_validate(self._transport.get(f"/v1/webhooks/{webhook_id}"))

    def list(self) -> Iterator[Webhook]:
        """Newest first."""
        return (Webhook.model_validate(item) for item in pages.items(self._transport, "/v1/webhooks"))

    def change(self, webhook_id: str, **changes: Any) -> Webhook:
        """`url`, `events`, `thresholds`, `description`, `enabled`: those that are given."""
        return Webhook.model_validate(
            read_json(self._transport.call("PATCH", f"/v1/webhooks/{webhook_id}", json=changes))
        )

    def delete(self, webhook_id: str) -> None:
        """With what it is still owed."""
        self._transport.delete(f"/v1/webhooks/{webhook_id}")

    def rotate_secret(self, webhook_id: str, *, overlap_seconds: int = 86_400) -> Webhook:
        """The webhook with a new `secret`, told this once; for so long messages are signed with the old one, too."""
        body = {"overlap_seconds": overlap_seconds}
        webhook = Webhook.model_validate(self._transport.post(f"/v1/webhooks/{webhook_id}/rotate_secret", body))
        if webhook.secret is None:  # the answer that told it got lost; those before sign as well
            return self.rotate_secret(webhook_id, overlap_seconds=overlap_seconds)
        return webhook

    def ping(self, webhook_id: str) -> Delivery:
        """Have a message of no event sent, to see whether it arrives."""
        return Delivery.model_validate(self._transport.post(f"/v1/webhooks/{webhook_id}/ping"))

    def deliveries(self, webhook_id: str, *, status: str | None = None) -> Iterator[Delivery]:
        """Newest first."""
        found = pages.items(self._transport, f"/v1/webhooks/{webhook_id}/deliveries", status=status)
        return (Delivery.model_validate(item) for item in found)

    def redeliver(self, webhook_id: str, delivery_id: str) -> Delivery:
        """Have a message sent once more, with the same id."""
        path = f"/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver"
        return Delivery.model_validate(self._transport.post(path))
