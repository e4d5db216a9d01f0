"""What a job's trainer and worker say, line by line: written with the lease, so that a killed worker loses a second."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from core.tables import Job, JobLogLine

KEPT_LINES = 5_000  # of a job, the newest
LONGEST_LINE = 1_000  # characters
Source = Literal["trainer", "worker"]


@dataclass(frozen=True)
class Line:
    source: Source
    at: datetime
    text: str


def append_all(session: Session, job: Job, lines: Sequence[Line]) -> None:
    """The oldest lines go beyond KEPT_LINES. The caller holds the job's row."""
    if not lines:
        return
    last = _last(session, job.id)
    rows = [
        {
            "job_id": job.id,
            "seq": last + number,
            "attempt": job.total_attempts,
            "source": line.source,
            "at": line.at,
            "text": line.text[:LONGEST_LINE],
        }
        for number, line in enumerate(lines, start=1)
    ]
    session.execute(insert(JobLogLine), rows)
    over = JobLogLine.seq <= last + len(rows) - KEPT_LINES
    session.execute(delete(JobLogLine).where(JobLogLine.job_id == job.id, over))


def read(session: Session, job_id: str, *, after: int | None, tail: int | None, limit: int) -> list[JobLogLine]:
    """In their order: those beyond `after`, or the last `tail`; one more than `limit` where there are more."""
    if after is None and tail is not None:
        after = max(0, _last(session, job_id) - tail)
    lines = select(JobLogLine).where(JobLogLine.job_id == job_id, JobLogLine.seq > (after or 0))
    return list(session.scalars(lines.order_by(JobLogLine.seq).limit(limit + 1)))


def _last(session: Session, job_id: str) -> int:
    return session.scalar(select(func.max(JobLogLine.seq)).where(JobLogLine.job_id == job_id)) or 0
