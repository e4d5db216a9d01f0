"""The jobs of comparisons: how far they are, and the figures of those that succeeded."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import BigInteger, Float, cast, func, select
from sqlalchemy.orm import Session

from core.jobs.states import TERMINAL, Status
from core.tables import Job, Model

Counts = dict[Status, int]
# empty: all its jobs were deleted
ComparisonStatus = Literal["queued", "running", "paused", "succeeded", "failed", "cancelled", "empty"]


@dataclass(frozen=True)
class Figures:
    """What one job measured on the held-out split."""

    split: str
    samples: int
    top1_accuracy: float
    nll: float | None  # None where it is no finite number
    ece: float | None
    images_seen: int
    train_seconds: float
    peak_memory_bytes: int | None  # None where the trainer did not say


@dataclass(frozen=True)
class Trial:
    """One job of a comparison."""

    job_id: str
    method: int  # index into the comparison's methods
    seed: int
    status: Status
    phase: str | None
    progress: Mapping[str, Any]
    error_code: str | None
    model_id: str | None
    finished_at: datetime | None
    figures: Figures | None


def read(session: Session, comparison_id: str) -> list[Trial]:
    """In the order in which they were queued. Of a model's evaluation only what is compared leaves the database."""
    main = Model.evaluation["main"]
    split = main["splits"][main["evaluation_split"].astext]
    statement = (
        select(
            Job.id,
            Job.comparison_method,
            cast(Job.resolved["seed"].astext, BigInteger),
            Job.status,
            Job.phase,
            Job.progress,
            Job.error["code"].astext,
            Job.model_id,
            Job.finished_at,
            main["evaluation_split"].astext,
            cast(split["samples"].astext, BigInteger),
            cast(split["top1_accuracy"].astext, Float),
            cast(split["nll"].astext, Float),
            cast(split["ece"].astext, Float),
            cast(main["images_seen"].astext, BigInteger),
            cast(main["train_seconds"].astext, Float),
            cast(main["peak_memory_bytes"].astext, BigInteger),
        )
        .outerjoin(Model, Model.id == Job.model_id)
        .where(Job.comparison_id == comparison_id)
        .order_by(Job.id)
    )
    rows: Iterable[Any] = session.execute(statement)
    return [Trial(*(*row[:9], _figures(row[9:]))) for row in rows]


def counts(session: Session, comparison_ids: Sequence[str]) -> dict[str, Counts]:
    """How many jobs of each comparison have which status."""
    statement = (
        select(Job.comparison_id, Job.status, func.count())
        .where(Job.comparison_id.in_(comparison_ids))
        .group_by(Job.comparison_id, Job.status)
    )
    found: dict[str, Counts] = {comparison_id: {} for comparison_id in comparison_ids}
    rows: Iterable[Any] = session.execute(statement)
    for comparison_id, status, number in rows:
        found[comparison_id][status] = number
    return found


def status_of(counted: Mapping[Status, int]) -> ComparisonStatus:
    """Of all jobs together: over when they all are, and then as bad as the worst of them."""
    there = {status for status, number in counted.items() if number}
    if not there:
        return "empty"
    if there <= TERMINAL:
        return next(status for status in ("failed", "cancelled", "succeeded") if status in there)
    if there <= TERMINAL | {"paused"}:
        return "paused"
    return "queued" if there == {"queued"} else "running"


def _figures(columns: Sequence[Any]) -> Figures | None:
    return Figures(*columns) if columns[0] is not None else None
