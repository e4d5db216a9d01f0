"""Searches over the spec of a job."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.row import Owned, Row


class Sweep(Owned, Row):
    """A search over a job's spec. What its sampler knows is kept by Optuna, in the schema `optuna` beside."""

    __tablename__ = "sweeps"

    dataset_version_id: Mapped[str] = mapped_column(ForeignKey("dataset_versions.id"))
    name: Mapped[str | None]
    spec: Mapped[dict[str, Any]]  # core.sweeps.spec.SweepSpec, its dataset made a version
    labels: Mapped[dict[str, Any]]
    status: Mapped[str]
    error: Mapped[dict[str, Any] | None]
    best_number: Mapped[int | None]  # of the best complete trial so far
    final_job_id: Mapped[str | None] = mapped_column(ForeignKey("jobs.id", ondelete="SET NULL", use_alter=True))
    final_at: Mapped[datetime | None]  # when the final job was submitted: once, even if it is deleted later
    finished_at: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint("status in ('running', 'succeeded', 'failed', 'cancelled')", name="status"),
        Index("ix_sweeps_tenant_id_id", "tenant_id", "id"),
        Index("ix_sweeps_final_job_id", "final_job_id"),
        Index("ix_sweeps_running", "id", postgresql_where=text("status = 'running'")),
    )


class SweepTrial(Row):
    """`number` is Optuna's: it is what makes a trial one trial, whoever is interrupted where."""

    __tablename__ = "sweep_trials"

    sweep_id: Mapped[str] = mapped_column(ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[str | None] = mapped_column(ForeignKey("jobs.id", ondelete="SET NULL"), unique=True)
    status: Mapped[str]
    params: Mapped[dict[str, Any]]  # path -> value
    value: Mapped[float | None]  # of the metric: the newest while it runs, the trained net's once complete
    epochs: Mapped[int] = mapped_column(server_default=text("0"))  # judged so far
    reason: Mapped[str | None]  # why it ended otherwise than complete
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("status in ('running', 'complete', 'pruned', 'failed', 'cancelled')", name="status"),
    )
