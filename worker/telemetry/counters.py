"""What a worker counts. How Prometheus gets it is `worker.telemetry.exposition`'s part."""

import re
from datetime import timedelta

from prometheus_client import Counter, Histogram

from core.webhooks.deliveries import Answer

CLAIMS = Counter("patchswap_claims", "Messages answered: claimed, or there was nothing to claim.", ["kind", "result"])
ATTEMPTS = Counter("patchswap_attempts_ended", "Claims that ended, by how they did.", ["kind", "outcome"])
RENEWALS = Counter("patchswap_lease_renewals", "Leases renewed.")
LOSSES = Counter("patchswap_lease_losses", "Claims that another worker had meanwhile, or that were ended: fenced off.")
LEDGER_AWAY = Counter("patchswap_lease_renewal_failures", "Renewals that Postgres did not answer.")
CHECKPOINT_SECONDS = Histogram(
    "patchswap_checkpoint_seconds",
    "From the trainer's file to the recorded row: hash, upload, commit.",
    buckets=(0.05, 0.2, 1, 5, 20, 60, 300),
)
DELIVERY_ATTEMPTS = Counter("patchswap_webhook_attempts", "Messages sent to webhooks, by what came back.", ["outcome"])
DELIVERY_SECONDS = Histogram(
    "patchswap_webhook_delivery_seconds",
    "From what happened to the answer of the webhook that accepted its message.",
    buckets=(0.1, 0.5, 2, 10, 60, 600, 3_600, 86_400),
)
CHECKPOINT_FAILURES = Counter("patchswap_checkpoint_failures", "Uploads that had to wait: store or ledger away.")


def claimed(kind: str, row: object | None) -> None:
    CLAIMS.labels(kind, "nothing" if row is None else "claimed").inc()


def ended(kind: str, ending: Exception | None = None) -> None:
    """`ending`: what the attempt raised, if it did not come to its end."""
    name = type(ending).__name__ if ending else "Succeeded"
    if name == "Fenced":
        LOSSES.inc()
    outcome = str(getattr(ending, "by", "")) or re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    ATTEMPTS.labels(kind, outcome).inc()


def delivered(answer: Answer, waited: timedelta | None) -> None:
    """`waited`: since what happened, where the message is accepted now."""
    outcome = "unanswered" if answer.status is None else "accepted" if answer.accepted else "refused"
    DELIVERY_ATTEMPTS.labels(outcome).inc()
    if waited is not None:
        DELIVERY_SECONDS.observe(waited.total_seconds())
