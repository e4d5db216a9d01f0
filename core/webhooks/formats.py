"""How a message is put, by its webhook's format: signed JSON for programs, Slack's JSON or an e-mail for people."""

from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Literal

import orjson

from core.settings import settings
from core.tables import Webhook, WebhookDelivery
from core.webhooks import wording
from core.webhooks.recipients import address_of

Format = Literal["standard", "slack", "email"]
_POLICY = policy.SMTP.clone(max_line_length=998)  # a folded subject begins with a blank in some mail programs


def body(webhook: Webhook, delivery: WebhookDelivery) -> bytes:
    """Of a POST, the same at each attempt."""
    if webhook.format == "slack":
        return orjson.dumps({"text": _for_slack(delivery)})
    message: dict[str, Any] = {"type": delivery.type, "timestamp": _in_utc(delivery.created_at), "data": delivery.data}
    return orjson.dumps(message)


def email(webhook: Webhook, delivery: WebhookDelivery) -> EmailMessage:
    """The same at each attempt, under the same Message-ID: mail programs show repetitions once."""
    sender = settings().smtp_from or ""
    message = EmailMessage(_POLICY)
    message["Subject"] = wording.headline(delivery.type, delivery.data)
    message["From"] = sender
    message["To"] = address_of(webhook.url)
    message["Date"] = format_datetime(delivery.created_at)
    message["Message-ID"] = f"<{delivery.id}@{sender.rpartition('@')[2].rstrip('>') or 'patchswap'}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: vacation programs do not answer
    message["X-Patchswap-Event"] = delivery.type
    lines = [*wording.details(delivery.data), wording.address(delivery.type, delivery.data), "", "-- ", _why(webhook)]
    message.set_content("\n".join([wording.headline(delivery.type, delivery.data), *lines]) + "\n")
    return message


def _for_slack(delivery: WebhookDelivery) -> str:
    lines = [wording.headline(delivery.type, delivery.data), *wording.details(delivery.data)]
    return "\n".join([*map(_escaped, lines), f"<{wording.address(delivery.type, delivery.data)}>"])


def _escaped(text: str) -> str:
    """The three characters that Slack gives a meaning."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _why(webhook: Webhook) -> str:
    return f"Sent by patchswap for webhook {webhook.id}. To stop: patchswap webhooks rm {webhook.id}"


def _in_utc(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
