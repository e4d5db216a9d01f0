"""What got lost: leases that ran out. Run by one worker at a time."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from core.database import leases
from core.datasets import ledger as datasets
from core.exports import ledger as exports
from core.jobs import lost_attempts
from core.predictions import ledger as predictions
from core.tables import DatasetVersion, Export, Job, Prediction, Profile, WebhookDelivery, Weights
from core.webhooks import deliveries
from core.weights import ledger as weights

Silent = tuple[type[Any], str]  # a table and the id of a row of it


def silent(session: Session) -> list[Silent]:
    """Rows whose worker fell silent, jobs first."""
    return [(table, row_id) for table in _ENDINGS for row_id in leases.expired(session, table)]


def take_back(session: Session, table: type[Any], row_id: str) -> bool:
    """Put such a row back into the queue; or end it, where it was cancelled, paused or is poison.

    A transaction a row: one that cannot be taken back holds up no other. False where it is not there to be taken.
    """
    row = leases.take_expired(session, table, row_id)
    if row is None:
        return False
    _ENDINGS[table](session, row)
    return True


def _end_job(session: Session, job: Job) -> None:
    lost_attempts.end_attempt(session, job, outcome="worker_lost", reason=f"worker {job.worker} fell silent")


_ENDINGS: dict[type[Any], Callable[[Session, Any], Any]] = {
    Job: _end_job,
    DatasetVersion: datasets.end_attempt,
    Export: exports.end_attempt,
    Profile: exports.end_attempt,
    Prediction: predictions.end_attempt,
    Weights: weights.end_attempt,
    WebhookDelivery: lambda _, delivery: deliveries.end_attempt(delivery),
}
