"""What got lost: leases that ran out. Run by one worker at a time."""

from sqlalchemy.orm import Session

from core.database import leases
from core.datasets import ledger as datasets
from core.exports import ledger as exports
from core.jobs import lost_attempts
from core.settings import settings
from core.tables import DatasetVersion, Export, Job, Profile, WebhookDelivery
from core.webhooks import deliveries


def requeue_expired(session: Session) -> None:
    """Rows whose worker fell silent go back to the queue; or end, where they were cancelled, paused or are poison."""
    for job in leases.expired(session, Job):
        job.platform_fault_seconds += settings().lease_seconds
        lost_attempts.end_attempt(session, job, outcome="worker_lost", reason=f"worker {job.worker} fell silent")
    for version in leases.expired(session, DatasetVersion):
        datasets.end_attempt(session, version)
    for export in leases.expired(session, Export):
        exports.end_attempt(session, export)
    for profile in leases.expired(session, Profile):
        exports.end_attempt(session, profile)
    for delivery in leases.expired(session, WebhookDelivery):
        deliveries.end_attempt(delivery)
