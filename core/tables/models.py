"""What trainings gave: networks, and the files made of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.row import Leased, Owned, Row


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
    evaluation: Mapped[dict[str, Any]]  # arm -> contract.results.evaluation.Evaluation
    figures: Mapped[
        dict[str, Any] | None
    ]  # contract.results.headline of the published arm; 200 evaluations take 5 s to read instead
    card: Mapped[str]
    weights_key: Mapped[str]
    weights_bytes: Mapped[int]
    weights_sha256: Mapped[str]
    receipt: Mapped[bytes | None]  # as it was signed: core.signing; None: published before there were receipts
    report_key: Mapped[str | None]  # None: published before there were reports
    report_bytes: Mapped[int | None]
    report_sha256: Mapped[str | None]
    predictions_key: Mapped[str | None]  # None: published before they were kept, or nothing was held out
    predictions_bytes: Mapped[int | None]
    predictions_sha256: Mapped[str | None]

    __table_args__ = (
        Index("ix_models_tenant_id_id", "tenant_id", "id"),
        Index("ix_models_tenant_id", "tenant_id", postgresql_include=["weights_bytes"]),
    )


class Export(Owned, Leased, Row):
    __tablename__ = "exports"

    model_id: Mapped[str] = mapped_column(ForeignKey("models.id", ondelete="CASCADE"))
    format: Mapped[str]
    precision: Mapped[str]
    opset: Mapped[int | None]  # as asked, of exports after the training
    constraints: Mapped[dict[str, Any]]
    status: Mapped[str]
    object_key: Mapped[str | None]
    bytes: Mapped[int | None]
    sha256: Mapped[str | None]
    # core.exports.bundle_files.Member by name; None of files that were made before it was kept
    members: Mapped[dict[str, Any] | None] = mapped_column(deferred=True)
    measured: Mapped[dict[str, Any] | None]
    ladder: Mapped[dict[str, Any] | None]  # contract.specs.LadderSpec as asked; of exports after the training
    rung: Mapped[str | None]  # what the file is, where a ladder was climbed
    candidates: Mapped[list[Any]] = mapped_column(
        server_default=text("'[]'::jsonb")
    )  # contract.results.exported.Candidate
    violations: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    warnings: Mapped[list[Any]] = mapped_column(
        server_default=text("'[]'::jsonb")
    )  # contract.results.exported.ExportWarning
    error: Mapped[dict[str, Any] | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("status in ('queued', 'running', 'succeeded', 'gate_failed', 'failed')", name="status"),
        Index("ix_exports_model_id_id", "model_id", "id"),
        Index("ix_exports_tenant_id", "tenant_id", postgresql_include=["bytes"]),
        Index("ix_exports_live", "lease_expires_at", postgresql_where=text("status in ('queued', 'running')")),
    )
