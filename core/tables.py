"""The rows of the ledger. Times are the database's own, aware UTC; statuses are text with a check constraint."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Row(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's way
        str: Text(),
        datetime: DateTime(timezone=True),
        int: BigInteger(),
        float: Double(),
        dict[str, Any]: JSONB(none_as_null=True),
        list[Any]: JSONB(none_as_null=True),
        list[str]: ARRAY(Text()),
        bytes: LargeBinary(),
    }


class Owned:
    """A row of one tenant; every customer-side query filters by it."""

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenants.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Leased:
    """A row that one worker at a time works on. See `core.leases`."""

    fence: Mapped[int] = mapped_column(
        server_default=text("0")
    )  # grows with every claim; stale writers are refused by it
    lease_expires_at: Mapped[datetime | None]
    worker: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))  # since the last progress that survives a crash
    rung_at: Mapped[datetime | None]  # when a message was last sent for it


class Tenant(Row):
    __tablename__ = "tenants"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ApiKey(Owned, Row):
    __tablename__ = "api_keys"

    name: Mapped[str]
    prefix: Mapped[str]  # the first characters, so that a person recognises the key
    sha256: Mapped[bytes] = mapped_column(unique=True)  # the key itself is never stored
    scopes: Mapped[list[str]]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_api_keys_tenant_id_id", "tenant_id", "id"),)


class IdempotencyKey(Row):
    __tablename__ = "idempotency_keys"

    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    body_sha256: Mapped[bytes]
    status: Mapped[int]
    headers: Mapped[dict[str, Any]]
    body: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class Upload(Owned, Row):
    """Parts lie in the object store under `uploads/<id>/<number>`; the store says which arrived."""

    __tablename__ = "uploads"

    sha256: Mapped[str]
    bytes: Mapped[int]
    media_type: Mapped[str]
    status: Mapped[str]
    part_size: Mapped[int]
    same_as: Mapped[str | None] = mapped_column(ForeignKey("uploads.id"))  # whose parts hold the bytes, if deduplicated
    expires_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("status in ('open', 'complete', 'aborted')", name="status"),
        Index("ix_uploads_tenant_id_sha256", "tenant_id", "sha256", postgresql_where=text("status = 'complete'")),
        Index("ix_uploads_expires_at", "expires_at", postgresql_where=text("status = 'open'")),
    )


class Dataset(Owned, Row):
    __tablename__ = "datasets"

    name: Mapped[str]
    task: Mapped[str]
    status: Mapped[str]
    latest_version_id: Mapped[str | None]
    error: Mapped[dict[str, Any] | None]
    deleted_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("status in ('ingesting', 'ready', 'failed')", name="status"),
        Index("ix_datasets_tenant_id_id", "tenant_id", "id"),
    )


class DatasetVersion(Owned, Leased, Row):
    """One immutable pack, or the report of why there is none."""

    __tablename__ = "dataset_versions"

    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id"))
    upload_id: Mapped[str] = mapped_column(ForeignKey("uploads.id"))
    splits: Mapped[dict[str, Any] | None]  # as asked for
    status: Mapped[str]
    manifest: Mapped[dict[str, Any] | None]
    report: Mapped[dict[str, Any] | None]
    object_prefix: Mapped[str | None]
    pack_sha256: Mapped[str | None]
    error: Mapped[dict[str, Any] | None]

    __table_args__ = (
        CheckConstraint("status in ('queued', 'running', 'ready', 'failed')", name="status"),
        Index("ix_dataset_versions_dataset_id_id", "dataset_id", "id"),
        Index("ix_dataset_versions_live", "lease_expires_at", postgresql_where=text("status in ('queued', 'running')")),
    )


class Comparison(Owned, Row):
    """Methods over the same seeds. How far it is, and its table, are read from its jobs."""

    __tablename__ = "comparisons"

    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id"))
    dataset_version_id: Mapped[str] = mapped_column(ForeignKey("dataset_versions.id"))
    name: Mapped[str | None]
    spec: Mapped[dict[str, Any]]  # the base spec, as asked for
    methods: Mapped[list[Any]]  # of core.comparisons.contenders.Contender; the first is the control
    seeds: Mapped[list[Any]]
    budget: Mapped[str]
    labels: Mapped[dict[str, Any]]

    __table_args__ = (
        CheckConstraint("budget in ('images_seen', 'epochs')", name="budget"),
        Index("ix_comparisons_tenant_id_id", "tenant_id", "id"),
    )


class Job(Owned, Leased, Row):
    __tablename__ = "jobs"

    comparison_id: Mapped[str | None] = mapped_column(ForeignKey("comparisons.id"))
    comparison_method: Mapped[int | None]  # index into the comparison's methods
    dataset_version_id: Mapped[str] = mapped_column(ForeignKey("dataset_versions.id"))
    name: Mapped[str | None]
    spec: Mapped[dict[str, Any]]  # as asked for, recipe merged in
    resolved: Mapped[dict[str, Any]]  # with nothing left to choose
    labels: Mapped[dict[str, Any]]
    status: Mapped[str]
    phase: Mapped[str | None]
    progress: Mapped[dict[str, Any]]
    error: Mapped[dict[str, Any] | None]
    model_id: Mapped[str | None]
    sweep_id: Mapped[str | None] = mapped_column(ForeignKey("sweeps.id"))  # whose trial or final job it is
    latest_event_seq: Mapped[int] = mapped_column(server_default=text("0"))
    total_attempts: Mapped[int] = mapped_column(server_default=text("0"))
    gpu_seconds: Mapped[float] = mapped_column(server_default=text("0"))
    platform_fault_seconds: Mapped[float] = mapped_column(server_default=text("0"))
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
        # Claims and sweeps look at these few rows only, however many jobs are done (0.5 ms at 1e6, FACTS.md).
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
        Index("ix_checkpoints_tenant_id", "tenant_id", postgresql_include=["bytes"]),  # core.quotas sums them
    )


class Model(Owned, Row):
    """A trained network. Exists only by a publication: see `core.jobs.ledger.publish`."""

    __tablename__ = "models"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), unique=True)  # I2: at most one publication a job
    dataset_version_id: Mapped[str] = mapped_column(ForeignKey("dataset_versions.id"))
    name: Mapped[str]
    task: Mapped[str]
    architecture: Mapped[str]
    method: Mapped[str]
    parameters: Mapped[int]
    macs: Mapped[int]
    evaluation: Mapped[dict[str, Any]]  # arm -> core.spec.Evaluation
    figures: Mapped[dict[str, Any] | None]  # core.figures of the main arm; 200 evaluations take 5 s to read instead
    card: Mapped[str]
    weights_key: Mapped[str]
    weights_bytes: Mapped[int]
    weights_sha256: Mapped[str]
    report_key: Mapped[str | None]  # None: published before there were reports
    report_bytes: Mapped[int | None]
    report_sha256: Mapped[str | None]

    __table_args__ = (
        Index("ix_models_tenant_id_id", "tenant_id", "id"),
        Index("ix_models_tenant_id", "tenant_id", postgresql_include=["weights_bytes"]),
    )


class Export(Owned, Leased, Row):
    __tablename__ = "exports"

    model_id: Mapped[str] = mapped_column(ForeignKey("models.id", ondelete="CASCADE"))
    format: Mapped[str]
    precision: Mapped[str]
    constraints: Mapped[dict[str, Any]]
    status: Mapped[str]
    object_key: Mapped[str | None]
    bytes: Mapped[int | None]
    sha256: Mapped[str | None]
    measured: Mapped[dict[str, Any] | None]
    violations: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    error: Mapped[dict[str, Any] | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("status in ('queued', 'running', 'succeeded', 'gate_failed', 'failed')", name="status"),
        Index("ix_exports_model_id_id", "model_id", "id"),
        Index("ix_exports_tenant_id", "tenant_id", postgresql_include=["bytes"]),
        Index("ix_exports_live", "lease_expires_at", postgresql_where=text("status in ('queued', 'running')")),
    )


class Sweep(Owned, Row):
    """A search over a job's spec. What its sampler knows is kept by Optuna, in the schema `optuna` beside."""

    __tablename__ = "sweeps"

    dataset_version_id: Mapped[str] = mapped_column(ForeignKey("dataset_versions.id"))
    name: Mapped[str | None]
    spec: Mapped[dict[str, Any]]  # core.spec.SweepSpec, its dataset made a version
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
