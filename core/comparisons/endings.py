"""Comparisons whose jobs are all over: looked for by the sweeper, so that no job's end waits for its neighbours'."""

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from core.tables import Comparison, Job
from core.tables.states import TERMINAL
from core.webhooks import outbox


def announce(session: Session, *, limit: int) -> None:
    """Mark them, and owe their messages in the same commit; none that somebody holds: the next look finds the rest.

    Once a comparison: jobs of it that are resumed later change nothing.
    """
    live = exists().where(Job.comparison_id == Comparison.id, Job.status.not_in(TERMINAL))
    over = select(Comparison).where(Comparison.ended_at.is_(None), ~live).order_by(Comparison.id).limit(limit)
    for comparison in session.scalars(over.with_for_update(skip_locked=True)).all():
        comparison.ended_at = func.now()
        outbox.announce(session, comparison, "comparison.ended", jobs=_counts(session, comparison.id))


def _counts(session: Session, comparison_id: str) -> dict[str, int]:
    counted = select(Job.status, func.count()).where(Job.comparison_id == comparison_id).group_by(Job.status)
    return dict(session.execute(counted.order_by(Job.status)).tuples().all())
