"""What the api says about itself: JSON log lines and Prometheus figures. Paths without queries, never a header."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from prometheus_client import Counter, Gauge, Histogram
from starlette.types import Scope

from api import context

access = logging.getLogger("api.access")

REQUESTS = Counter("patchswap_http_requests", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram(
    "patchswap_http_request_seconds",
    "Time until the answer was sent.",
    ["method", "route"],
    buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60),
)
ROWS = Gauge(
    "patchswap_rows",
    "What waits or runs, of all tenants: jobs, ingests, exports, profiles, predictions, deliveries.",
    ["kind", "status"],
)
OLDEST_QUEUED = Gauge("patchswap_oldest_queued_seconds", "How long the next one has waited.", ["kind"])
EXPIRED = Gauge("patchswap_expired_leases", "Running with a lease that is over: the sweeper should see them.", ["kind"])
MESSAGES = Gauge("patchswap_queue_messages", "Messages in a queue of the broker; NaN while it is away.", ["queue"])
# A method that nobody defined must not become a label: labels live for ever.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_request(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def _request() -> dict[str, str]:
    """Whose request this thread or task is at, whoever logs."""
    carried = context.current()
    return {"request_id": carried.request_id} if carried else {}


def configure_logging(level: int = logging.INFO) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)


def observe(scope: Scope, status: int, seconds: float) -> None:
    method = scope["method"] if scope["method"] in METHODS else "other"
    route = getattr(scope.get("route"), "path", "none")
    REQUESTS.labels(method, route, status).inc()
    SECONDS.labels(method, route).observe(seconds)
    if access.isEnabledFor(logging.INFO):
        access.info("request", extra={"fields": _fields(scope, status, seconds)})


def show_ledger(live: Sequence[Mapping[str, Any]]) -> None:
    for row in live:
        for status in ("queued", "running"):
            ROWS.labels(row["kind"], status).set(row[status])
        OLDEST_QUEUED.labels(row["kind"]).set(row["oldest_seconds"])
        EXPIRED.labels(row["kind"]).set(row["expired"])


def show_broker(depths: Mapping[str, float]) -> None:
    for queue, depth in depths.items():
        MESSAGES.labels(queue).set(depth)


def _fields(scope: Scope, status: int, seconds: float) -> dict[str, object]:
    carried = context.of(scope)
    return {
        "request_id": carried.request_id,
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "ms": round(seconds * 1000, 2),
        "tenant_id": carried.principal.tenant_id if carried.principal else None,
        "key_id": carried.principal.key_id if carried.principal else None,
    }
