"""What a receiver of webhooks does first. Any library of Standard Webhooks does the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from patchswap.errors import NotGenuine


def verify_webhook(body: bytes, headers: Mapping[str, str], secret: str) -> dict[str, Any]:
    """The message `{type, timestamp, data}` of a request, given its body as it came.

    Raises NotGenuine where the signature is not of this secret or older than five minutes. The same message may come
    more than once: the header `webhook-id` says which it is.
    """
    try:
        message: dict[str, Any] = Webhook(secret).verify(body, dict(headers))
    except (WebhookVerificationError, ValueError) as error:  # ValueError: a header or a body that cannot be read
        raise NotGenuine(f"This message was not signed with the webhook's secret just now ({error}).") from error
    return message
