"""A message in words, for receivers that people read: a headline, what else there is to say, and where to look."""

from collections.abc import Iterator, Mapping
from typing import Any

from core.settings import settings
from core.webhooks.catalogue import PING, THRESHOLD

_PAGES = {"job": "jobs", "dataset": "datasets"}  # of the console
_VERBS = {
    "created": "was created",
    "running": "is running",
    "paused": "is paused",
    "cancelled": "was cancelled",
    "pruned": "was pruned",
    "ready": "is ready",
    "ended": "has ended",
    "gate_failed": "missed its constraints",
}


def headline(type_: str, data: Mapping[str, Any]) -> str:
    """One line: names hold no line breaks here, whatever customers called their jobs."""
    if type_ == PING:
        return f"Test message of webhook {data['webhook_id']}."
    kind, _, what = type_.partition(".")
    subject = " ".join(f"{kind.capitalize()} {data.get('name') or data['id']}".split())
    if type_ == THRESHOLD:
        threshold = data["threshold"]
        side = "above" if "above" in threshold else "below"
        crossed = f"{threshold['metric']} is {data['value']:.6g}, {side} {threshold[side]:g}"
        return f"{subject}: {crossed}, at epoch {data['epoch']}."
    return f"{subject} {_VERBS.get(what, what)}."


def details(data: Mapping[str, Any]) -> Iterator[str]:
    """Further lines, where there are any."""
    if error := data.get("error"):
        yield f"{error['message']} {error['remediation']}"
    if counts := data.get("jobs"):
        yield "Jobs: " + ", ".join(f"{count} {status}" for status, count in counts.items()) + "."
    if reason := data.get("reason"):
        yield f"{reason[:1].upper()}{reason[1:]}."


def address(type_: str, data: Mapping[str, Any]) -> str:
    """The console's page of it, or the path of the api where the console has none."""
    base, kind = settings().public_url.rstrip("/"), type_.partition(".")[0]
    if kind in _PAGES:
        return f"{base}/ui/#/{_PAGES[kind]}/{data['id']}"
    return base + str(data.get("links", {}).get("self", f"/v1/webhooks/{data.get('webhook_id', '')}"))
