"""Whose turn it is on a queue of short work: ingests, exports, profiles, predictions and pushed weights alike.

The order is that of `core.jobs.turns`: first the tenant with the fewest of them running, of these the one that was
served longest ago; of its rows the oldest.
A message says only that there is one to claim.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select, union_all, update
from sqlalchemy.orm import Session

from core.tables import DatasetVersion, Export, Prediction, Profile, Tenant, Weights

Table = type[DatasetVersion | Export | Profile | Prediction | Weights]


class Candidate(NamedTuple):
    table: Table
    row_id: str
    tenant_id: str


def candidates(session: Session, *, device: str | None) -> Iterator[Candidate]:
    """Queued rows in the order of the turns, one of each tenant, which is held from then on.

    A tenant that somebody holds is passed over; it is waited for where no other has a row to claim. `device`: the one
    whose queue is served; None for the queue of all short work.
    """
    kinds = _kinds(device)
    passed: list[str] = []
    while (tenant_id := _next_tenant(session, kinds, passed, wait=not passed)) is not None:
        passed.append(tenant_id)
        if (found := _oldest_of(session, kinds, tenant_id)) is not None:
            yield found


def serve(session: Session, tenant_id: str) -> None:
    """A row of this tenant was claimed: the others come first now."""
    session.execute(update(Tenant).where(Tenant.id == tenant_id).values(short_served_at=func.now()))


def _kinds(device: str | None) -> Sequence[tuple[Table, Sequence[ColumnElement[bool]]]]:
    if device is not None:
        return [(Profile, (Profile.device == device,))]
    deviceless = (Profile.device.is_(None),)
    return [(DatasetVersion, ()), (Export, ()), (Profile, deviceless), (Prediction, ()), (Weights, ())]


def _next_tenant(session: Session, kinds: Any, passed: Sequence[str], *, wait: bool) -> str | None:
    waiting = union_all(*(_of_status(kind, "queued").distinct() for kind in kinds)).subquery()
    running = union_all(*(_of_status(kind, "running") for kind in kinds)).subquery()
    rows = select(running.c.tenant_id, func.count().label("rows")).group_by(running.c.tenant_id).subquery()
    statement = (
        select(Tenant.id)
        .outerjoin(rows, rows.c.tenant_id == Tenant.id)
        .where(Tenant.id.in_(select(waiting.c.tenant_id)), Tenant.id.not_in(passed), Tenant.suspended_at.is_(None))
        .order_by(func.coalesce(rows.c.rows, 0), Tenant.short_served_at.nulls_first(), Tenant.id)
        .limit(1)
    )
    free = statement.with_for_update(of=Tenant, key_share=True, skip_locked=True)
    found = session.scalars(free).one_or_none()
    if found is None and wait:  # only while none is held: two that wait for each other's would wait for ever
        found = session.scalars(statement.with_for_update(of=Tenant, key_share=True)).one_or_none()
    return found


def _of_status(kind: tuple[Table, Sequence[ColumnElement[bool]]], status: str) -> Any:
    table, conditions = kind
    return select(table.tenant_id).where(table.status == status, *conditions)


def _oldest_of(session: Session, kinds: Any, tenant_id: str) -> Candidate | None:
    """Rows that somebody holds are passed over."""
    found = []
    for table, conditions in kinds:
        waiting = select(table.created_at, table.id).where(
            table.tenant_id == tenant_id, table.status == "queued", *conditions
        )
        oldest = waiting.order_by(table.created_at, table.id).limit(1)
        row = session.execute(oldest.with_for_update(skip_locked=True, key_share=True)).one_or_none()
        if row is not None:
            found.append((row.created_at, row.id, table))
    if not found:
        return None
    _, row_id, table = min(found, key=lambda one: one[:2])
    return Candidate(table, row_id, tenant_id)
