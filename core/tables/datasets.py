"""Datasets and the immutable packs made of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.row import Leased, Owned, Row


class Dataset(Owned, Row):
    __tablename__ = "datasets"

    name: Mapped[str]  # one living dataset of a tenant has it: `core.datasets.ledger.push`
    task: Mapped[str]
    status: Mapped[str]
    latest_version_id: Mapped[str | None]
    error: Mapped[dict[str, Any] | None]
    deleted_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("status in ('ingesting', 'ready', 'failed')", name="status"),
        Index("ix_datasets_tenant_id_id", "tenant_id", "id"),
        Index("ix_datasets_tenant_id_name", "tenant_id", "name"),
    )


class DatasetVersion(Owned, Leased, Row):
    """One immutable pack, or the report of why there is none."""

    __tablename__ = "dataset_versions"

    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id"))
    number: Mapped[int | None]  # 1, 2, ...; None: an api of 0.1 added it while the deployment was upgraded
    upload_id: Mapped[str] = mapped_column(ForeignKey("uploads.id"))
    splits: Mapped[dict[str, Any] | None]  # as asked for
    reading: Mapped[dict[str, Any] | None]  # as asked for, without what is the default
    status: Mapped[str]
    manifest: Mapped[dict[str, Any] | None]
    report: Mapped[dict[str, Any] | None]
    object_prefix: Mapped[str | None]
    pack_sha256: Mapped[str | None]
    error: Mapped[dict[str, Any] | None]
    changes: Mapped[dict[str, Any] | None]  # core.datasets.changes.Counts against the ready version before it
    deleted_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("status in ('queued', 'running', 'ready', 'failed')", name="status"),
        Index("ix_dataset_versions_dataset_id_id", "dataset_id", "id"),
        Index("ix_dataset_versions_live", "lease_expires_at", postgresql_where=text("status in ('queued', 'running')")),
    )
