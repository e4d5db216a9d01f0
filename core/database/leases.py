"""Who works on a row: claim, renew, give up. Leases use the database's clock only (docs/reliability.md).

A claim increments `fence`. Every later write of the worker names the fence it was given; a worker that lost its lease
changes no row, because the next claim has moved the fence on.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from contract.child.messages import JobError
from core.errors import Fenced
from core.settings import settings
from core.tables import DatasetVersion, Export, Leased, Profile

LeasedRow = TypeVar("LeasedRow", bound=Leased)
Conditions = Sequence[ColumnElement[bool]]


def lease_end() -> Any:
    return func.now() + timedelta(seconds=settings().lease_seconds)


def claim(
    session: Session, table: type[LeasedRow], row_id: str, worker: str, conditions: Conditions = ()
) -> LeasedRow | None:
    """Take a queued row for this worker; None when it is not there to be taken, which is normal."""
    statement = (
        update(table)
        .where(table.id == row_id, table.status == "queued", *conditions)
        .values(
            status="running",
            fence=table.fence + 1,
            attempts=table.attempts + 1,
            worker=worker,
            lease_expires_at=lease_end(),
        )
        .returning(table)
    )
    return session.scalars(statement).one_or_none()


def write(session: Session, table: type[LeasedRow], row_id: str, fence: int, **values: Any) -> LeasedRow:
    """Change a row that this worker holds. Raises Fenced when it no longer does, and then nothing was written."""
    statement = (
        update(table)
        .where(table.id == row_id, table.fence == fence, table.status == "running")
        .values(**values)
        .returning(table)
        .execution_options(populate_existing=True)
    )
    row = session.scalars(statement).one_or_none()
    if row is None:
        raise Fenced
    return row


def renew(session: Session, table: type[LeasedRow], row_id: str, fence: int) -> None:
    """Push the lease's end out. Raises Fenced."""
    write(session, table, row_id, fence, lease_expires_at=lease_end())


def release(session: Session, table: type[LeasedRow], row_id: str, fence: int, **values: Any) -> LeasedRow:
    """End the claim and change the row in one statement. Raises Fenced."""
    return write(session, table, row_id, fence, worker=None, lease_expires_at=None, **values)


def give_back(
    session: Session, table: type[LeasedRow], row_id: str, fence: int, *, counted: bool, **values: Any
) -> LeasedRow:
    """End a claim that led to nothing. An attempt that is not counted is none towards `max_attempts`. Raises Fenced."""
    row = release(session, table, row_id, fence, **values)
    if not counted:
        row.attempts = max(0, row.attempts - 1)
    return row


def queue_again(row: DatasetVersion | Export | Profile) -> bool:
    """Queue a row whose attempt led to nothing; False where it had all of its attempts. The caller holds its lock."""
    row.worker = row.lease_expires_at = row.rung_at = None
    if row.attempts >= settings().max_attempts:
        return False
    row.status = "queued"
    return True


def expired(session: Session, table: type[LeasedRow]) -> list[LeasedRow]:
    """Rows whose worker is silent for longer than its lease, locked for the sweeper."""
    statement = (
        select(table)
        .where(table.status == "running", table.lease_expires_at < func.now())
        .order_by(table.lease_expires_at)
        .limit(100)
        .with_for_update(skip_locked=True)
    )
    return list(session.scalars(statement))


def queued(session: Session, table: type[LeasedRow], conditions: Conditions = ()) -> int:
    statement = select(func.count()).select_from(table).where(table.status == "queued", *conditions)
    return session.scalars(statement).one()


def due_for_ring(
    session: Session,
    table: type[LeasedRow],
    conditions: Conditions = (),
    *,
    older_than_seconds: float,
    limit: int,
) -> list[str]:
    """Ids of queued rows whose message, if any, was sent long ago, oldest first; marks them as rung now."""
    due = func.coalesce(table.rung_at, table.created_at) < func.now() - timedelta(seconds=older_than_seconds)
    statement = select(table.id).where(table.status == "queued", due, *conditions).order_by(table.id).limit(limit)
    ids = list(session.scalars(statement))
    # Asked again: a row that is claimed meanwhile is its worker's, and needs no message.
    mark = update(table).where(table.id.in_(ids), table.status == "queued").values(rung_at=func.now())
    return sorted(session.scalars(mark.returning(table.id))) if ids else []


POISON = JobError(
    code="poison",
    category="platform",
    retryable=True,
    message="the job ended its worker several times without reaching a newer checkpoint",
    remediation="look at the job's events and logs; a smaller batch or image size often helps. Then resume or retry it",
)
