"""What the worker writes of weights that it read: ready, failed, or given back. Every write names a fence."""

from typing import Any

from sqlalchemy import func
from sqlalchemy.orm import Session

from contract.child.messages import JobError
from contract.results.weights_found import WeightsFound
from core.database import leases
from core.database.leases import POISON
from core.store.storage import StoredFile
from core.tables import Weights
from core.webhooks import outbox


def publish(session: Session, weights_id: str, fence: int, found: WeightsFound, stored: StoredFile) -> None:
    """The verified file becomes visible. Raises Fenced."""
    row = leases.release(
        session,
        Weights,
        weights_id,
        fence,
        status="ready",
        num_classes=found.num_classes,
        channels=found.channels,
        stem=found.stem,
        report=found.report.model_dump(mode="json"),
        object_key=stored.key,
        bytes=stored.bytes,
        sha256=stored.sha256,
        finished_at=func.now(),
    )
    outbox.announce(session, row)


def fail(session: Session, weights_id: str, fence: int, error: JobError, report: dict[str, Any] | None) -> None:
    """Nothing is stored. Raises Fenced."""
    values = {"status": "failed", "error": error.model_dump(), "report": report, "finished_at": func.now()}
    outbox.announce(session, leases.release(session, Weights, weights_id, fence, **values))


def give_back(session: Session, weights_id: str, fence: int, *, counted: bool) -> str:
    """Queue them again, or fail them when that happened too often; gives the new status. Raises Fenced."""
    row = leases.give_back(session, Weights, weights_id, fence, counted=counted)
    end_attempt(session, row)
    return row.status


def end_attempt(session: Session, row: Weights) -> None:
    """What becomes of weights whose worker ended without a result. The caller holds the row's lock."""
    if leases.queue_again(row):
        return
    row.status = "failed"
    row.finished_at = func.now()
    row.error = POISON.model_dump() | {"message": "Reading these weights ended its worker several times."}
    outbox.announce(session, row)
