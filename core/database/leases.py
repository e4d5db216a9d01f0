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
from core.tables import DatasetVersion, Export, Leased, Prediction, Profile, Weights

LeasedRow = TypeVar("LeasedRow", bound=Leased)
Conditions = Sequence[ColumnElement[bool]]

POISON = JobError(
    code="poison",
    category="platform",
    retryable=True,
    message="The job ended its worker several times without reaching a newer checkpoint.",
    remediation="Read the job's events and logs. A smaller batch or image size often helps. Then resume or retry it.",
)


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


def queue_again(row: DatasetVersion | Export | Profile | Prediction | Weights) -> bool:
    """Queue a row whose attempt led to nothing; False where it had all of its attempts. The caller holds its lock."""
    row.worker = row.lease_expires_at = row.rung_at = None
    if row.attempts >= settings().max_attempts:
        return False
    row.status = "queued"
    return True


def expired(session: Session, table: type[LeasedRow]) -> list[str]:
    """Ids of rows whose worker is silent for longer than its lease, the longest silent first."""
    silent = select(table.id).where(*_silent(table)).order_by(table.lease_expires_at).limit(100)
    return list(session.scalars(silent))


def take_expired(session: Session, table: type[LeasedRow], row_id: str) -> LeasedRow | None:
    """One of them, locked; None where it is no longer silent, or is another's at the moment."""
    statement = select(table).where(table.id == row_id, *_silent(table)).with_for_update(skip_locked=True)
    return session.scalars(statement).one_or_none()


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
    """Ids of queued rows whose message, if any, was sent long ago; marks them as rung now.

    Tenants take turns, and of each the row comes first that was rung longest ago: rows that are due at every look,
    because nobody may claim them yet, keep no other from being rung.
    """
    rung_at = func.coalesce(table.rung_at, table.created_at)
    turn = func.row_number().over(partition_by=table.tenant_id, order_by=(rung_at, table.id))
    is_due = rung_at < func.now() - timedelta(seconds=older_than_seconds)
    due = (
        select(table.id, rung_at.label("rung_at"), turn.label("turn"))
        .where(table.status == "queued", is_due, *conditions)
        .subquery()
    )
    ids = list(session.scalars(select(due.c.id).order_by(due.c.turn, due.c.rung_at, due.c.id).limit(limit)))
    # Asked again: a row that is claimed meanwhile, or that a stopped worker holds, needs no message.
    free = select(table.id).where(table.id.in_(ids), table.status == "queued")
    free = free.with_for_update(skip_locked=True, key_share=True)
    mark = update(table).where(table.id.in_(free)).values(rung_at=func.now()).returning(table.id)
    marked = set(session.scalars(mark)) if ids else set()
    return [row_id for row_id in ids if row_id in marked]


def _silent(table: type[LeasedRow]) -> Conditions:
    return (table.status == "running", table.lease_expires_at < func.now())
