"""Training curves: written in batches, read downsampled."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.tables import JobMetric


def record(session: Session, job_id: str, *, step: int, epoch: int, values: dict[str, float]) -> None:
    """Keep one row a key. After a resume the same step comes again and replaces its row."""
    record_all(
        session, [{"job_id": job_id, "key": k, "step": step, "epoch": epoch, "value": v} for k, v in values.items()]
    )


def record_all(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """One statement for many rows; 40 times the rate of single commits (docs/performance.md)."""
    if not rows:
        return
    new = insert(JobMetric)
    replace = {"value": new.excluded.value, "epoch": new.excluded.epoch, "at": func.now()}
    session.execute(new.on_conflict_do_update(index_elements=["job_id", "key", "step"], set_=replace), list(rows))


def keys(session: Session, job_id: str) -> list[str]:
    return list(
        session.scalars(select(JobMetric.key).where(JobMetric.job_id == job_id).distinct().order_by(JobMetric.key))
    )


def series(session: Session, job_id: str, key: str, *, max_points: int) -> list[JobMetric]:
    """At most `max_points` points of one curve, evenly spaced, the last one always among them."""
    numbered = (
        select(
            JobMetric,
            func.row_number().over(order_by=JobMetric.step.desc()).label("from_end"),
            func.count().over().label("total"),
        )
        .where(JobMetric.job_id == job_id, JobMetric.key == key)
        .subquery()
    )
    stride = func.greatest(1, func.ceil(numbered.c.total / float(max_points)))
    kept = (
        select(JobMetric)
        .join(
            numbered,
            (JobMetric.job_id == numbered.c.job_id)
            & (JobMetric.key == numbered.c.key)
            & (JobMetric.step == numbered.c.step),
        )
        .where(func.mod(numbered.c.from_end - 1, stride) == 0)
        .order_by(JobMetric.step)
    )
    return list(session.scalars(kept))


def newest(session: Session, job_id: str, key: str) -> JobMetric | None:
    statement = select(JobMetric).where(JobMetric.job_id == job_id, JobMetric.key == key)
    return session.scalars(statement.order_by(JobMetric.step.desc()).limit(1)).one_or_none()


def rows(session: Session, job_id: str) -> Iterable[JobMetric]:
    """All points, streamed, for downloads."""
    statement = select(JobMetric).where(JobMetric.job_id == job_id).order_by(JobMetric.key, JobMetric.step)
    return session.scalars(statement.execution_options(yield_per=5_000))
