"""The event log of a job: one monotone `seq`, assigned under the job's row lock, so it commits in order."""

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from core import request_id
from core.tables import Job, JobEvent
from core.tables.states import PRUNED
from core.webhooks import outbox

EventType = Literal["status", "phase", "notice", "checkpoint", "evaluation", "export", "attempt", "request"]
Note = tuple[EventType, dict[str, Any]]


def append(session: Session, job: Job, type_: EventType, **data: Any) -> None:
    """Add one event. The caller holds the job's row by an UPDATE or SELECT FOR UPDATE in this transaction."""
    append_all(session, job, [(type_, data)])


def append_all(session: Session, job: Job, events: Sequence[Note]) -> None:
    """A new status is told to webhooks too, in the same transaction."""
    first = job.latest_event_seq + 1
    asked = {"request_id": request_id.current()} if request_id.current() else {}
    rows = [
        {"job_id": job.id, "seq": first + index, "type": type_, "data": data | asked}
        for index, (type_, data) in enumerate(events)
    ]
    if not rows:
        return
    job.latest_event_seq = first + len(rows) - 1
    session.flush()
    session.execute(insert(JobEvent), rows)
    if reasons := [data["reason"] for type_, data in events if type_ == "status"]:
        _announce(session, job, reasons[-1])


def _announce(session: Session, job: Job, reason: str) -> None:
    """A trial that its sweep gave up was not cancelled by anybody."""
    if job.status == "cancelled" and reason.startswith(PRUNED):
        outbox.announce(session, job, "job.pruned", reason=reason)
    else:
        outbox.announce(session, job)


def news(session: Session, job_id: str, notes: Sequence[Note]) -> list[Note]:
    """The notes without warnings that an earlier attempt gave in the same words: those of the spec, which stays."""
    warned = [data for type_, data in notes if type_ == "notice" and data.get("severity") == "warning"]
    if not warned:
        return list(notes)
    event = JobEvent.data
    statement = select(event["code"].astext, event["message"].astext).where(
        JobEvent.job_id == job_id, JobEvent.type == "notice", event["severity"].astext == "warning"
    )
    known = {(code, message) for code, message in session.execute(statement)}
    repeated = [data for data in warned if (data["code"], data["message"]) in known]
    return [note for note in notes if not any(note[1] is data for data in repeated)]


def after(session: Session, job_id: str, seq: int, *, limit: int, types: Sequence[str] = ()) -> list[JobEvent]:
    statement = select(JobEvent).where(JobEvent.job_id == job_id, JobEvent.seq > seq)
    if types:
        statement = statement.where(JobEvent.type.in_(types))
    return list(session.scalars(statement.order_by(JobEvent.seq).limit(limit)))
