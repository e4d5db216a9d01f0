"""Training curves: written in batches, read downsampled."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.tables import JobMetric

CHUNK_POINTS = 5_000


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
    """Names of the curves: one step of the index a name, not a reading of all points."""
    statement = text("""
        WITH RECURSIVE names AS (
            SELECT min(key) AS key FROM job_metrics WHERE job_id = :job_id
            UNION ALL
            SELECT (SELECT min(m.key) FROM job_metrics m WHERE m.job_id = :job_id AND m.key > names.key)
                FROM names WHERE names.key IS NOT NULL
        )
        SELECT key FROM names WHERE key IS NOT NULL""")
    return list(session.scalars(statement, {"job_id": job_id}))


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
    stride = (numbered.c.total + max_points - 1) // max_points  # rounded up
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


def chunk(session: Session, job_id: str, keys: Sequence[str], after: tuple[str, int]) -> list[JobMetric]:
    """The next points of these curves in the order of key and step; a download reads chunk by chunk."""
    statement = select(JobMetric).where(
        JobMetric.job_id == job_id,
        JobMetric.key.in_(keys),
        tuple_(JobMetric.key, JobMetric.step) > tuple_(*after),
    )
    return list(session.scalars(statement.order_by(JobMetric.key, JobMetric.step).limit(CHUNK_POINTS)))
