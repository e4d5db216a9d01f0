"""The audit log of what customers change: an entry beside each change, in its own commit."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session

from api import context
from core.ids import new_id
from core.tables import AuditEntry, IdempotencyKey

_WROTE = "wrote"  # in `session.info`: rows were changed since the last commit


def watch(session: Session) -> None:
    """From here on no commit of the session changes anything without an entry."""
    event.listen(session, "do_orm_execute", _note_statement)
    event.listen(session, "after_flush", _note_flush)
    event.listen(session, "before_commit", _append_entry)


def _note_statement(state: ORMExecuteState) -> None:
    """An answer that is kept to be given again is no change of its own."""
    if (state.is_insert or state.is_update or state.is_delete) and not _is_kept_answer(state):
        state.session.info[_WROTE] = True


def _is_kept_answer(state: ORMExecuteState) -> bool:
    # By name: SQLAlchemy annotates the table of a statement, and then it is another object.
    return getattr(getattr(state.statement, "table", None), "name", None) == IdempotencyKey.__tablename__


def _note_flush(session: Session, _: Any) -> None:
    session.info[_WROTE] = True


def _append_entry(session: Session) -> None:
    session.flush()
    request = context.current()
    if not session.info.pop(_WROTE, False) or request is None or request.principal is None:
        return
    entry = AuditEntry(
        id=new_id("aud"),
        tenant_id=request.principal.tenant_id,
        key_id=request.principal.key_id,
        request_id=request.request_id,
        method=request.method,
        path=request.path,
    )
    session.add(entry)
    session.flush()
    session.info.pop(_WROTE, None)
