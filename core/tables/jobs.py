"""Trainings, and what they wrote down on their way."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.row import Leased, Owned, Row


class Job(Owned, Leased, Row):
    __tablename__ = "jobs"

    comparison_id: Mapped[str | None] = mapped_column(ForeignKey("comparisons.id"))
    comparison_method: Mapped[int | None]  # index into the comparison's methods
    dataset_version_id: Mapped[str] = mapped_column(ForeignKey("dataset_versions.id"))
    name: Mapped[str | None]
    spec: Mapped[dict[str, Any]]  # as asked for, recipe merged in
    resolved: Mapped[dict[str, Any]]  # with nothing left to choose
    chosen: Mapped[dict[str, Any] | None]  # contract.specs.recipes.chosen.Chosen; None where a recipe was named
    labels: Mapped[dict[str, Any]]
    priority: Mapped[int] = mapped_column(server_default=text("0"))  # among the queued jobs of its tenant
    status: Mapped[str]
    phase: Mapped[str | None]
    progress: Mapped[dict[str, Any]]
    error: Mapped[dict[str, Any] | None]
    model_id: Mapped[str | None]
    sweep_id: Mapped[str | None] = mapped_column(ForeignKey("sweeps.id"))  # whose trial or final job it is
    latest_event_seq: Mapped[int] = mapped_column(server_default=text("0"))
    total_attempts: Mapped[int] = mapped_column(server_default=text("0"))
    gpu_seconds: Mapped[float] = mapped_column(server_default=text("0"))  # that trainers ran, as last written down
    platform_fault_seconds: Mapped[float] = mapped_column(server_default=text("0"))  # `lost_seconds` of its records
    cancel_requested_at: Mapped[datetime | None]
    pause_requested_at: Mapped[datetime | None]
    queued_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint("status in ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'paused')", name="status"),
        Index("ix_jobs_tenant_id_id", "tenant_id", "id"),
        Index("ix_jobs_tenant_id_status_id", "tenant_id", "status", "id"),
        Index("ix_jobs_labels", "labels", postgresql_using="gin", postgresql_ops={"labels": "jsonb_path_ops"}),
        Index("ix_jobs_dataset_version_id", "dataset_version_id"),
        Index("ix_jobs_comparison_id_id", "comparison_id", "id", postgresql_where=text("comparison_id IS NOT NULL")),
        Index("ix_jobs_sweep_id_id", "sweep_id", "id", postgresql_where=text("sweep_id is not null")),
        Index(
            "ix_jobs_name",
            "tenant_id",
            func.lower(text("name")).label("lowered"),
            "id",
            postgresql_ops={"lowered": "text_pattern_ops"},
            postgresql_where=text("name IS NOT NULL"),
        ),
        # Claims and sweeps look at these few rows only, however many jobs are done (docs/performance.md).
        Index(
            "ix_jobs_turn",
            "tenant_id",
            text("priority DESC"),
            "queued_at",
            "id",
            postgresql_where=text("status = 'queued'"),
        ),
        Index("ix_jobs_queued", "queued_at", postgresql_where=text("status = 'queued'")),
        # Not by lease_expires_at: a heartbeat that changes no indexed column leaves every index alone (HOT).
        Index("ix_jobs_running", "id", postgresql_where=text("status = 'running'")),
    )


class JobAttempt(Row):
    __tablename__ = "job_attempts"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    fence: Mapped[int]
    worker: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    # For `core.jobs.usage`: the job's `gpu_seconds` at the claim, and this attempt at its newest stored checkpoint.
    trainer_seconds_before: Mapped[float] = mapped_column(server_default=text("0"))
    kept_seconds: Mapped[float] = mapped_column(server_default=text("0"))
    kept_trainer_seconds: Mapped[float] = mapped_column(server_default=text("0"))


class JobEvent(Row):
    __tablename__ = "job_events"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    data: Mapped[dict[str, Any]]


class JobMetric(Row):
    __tablename__ = "job_metrics"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    epoch: Mapped[int]
    value: Mapped[float]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class JobLogLine(Row):
    __tablename__ = "job_logs"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    attempt: Mapped[int]
    source: Mapped[str]  # trainer: a line of its stderr; worker: what it did
    at: Mapped[datetime]  # by the worker's clock
    text: Mapped[str]


class Checkpoint(Owned, Row):
    __tablename__ = "checkpoints"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    arm: Mapped[str]
    step: Mapped[int]
    epoch: Mapped[int]
    fence: Mapped[int]
    object_key: Mapped[str]
    bytes: Mapped[int]
    sha256: Mapped[str]
    best: Mapped[bool]
    pinned: Mapped[bool] = mapped_column(server_default=text("false"))
    metrics: Mapped[dict[str, Any]]

    __table_args__ = (
        Index("ix_checkpoints_job_id_arm_step", "job_id", "arm", "step"),
        Index("ix_checkpoints_tenant_id", "tenant_id", postgresql_include=["bytes"]),  # core.accounts.quotas sums them
    )
