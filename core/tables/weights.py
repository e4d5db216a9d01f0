"""Pretrained weights that a tenant pushed; the built-in ones have no row."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.row import Leased, Owned, Row


class Weights(Owned, Leased, Row):
    """Read from an upload; ready ones are a file of their own, of which no job changes a byte."""

    __tablename__ = "weights"

    upload_id: Mapped[str] = mapped_column(ForeignKey("uploads.id"))
    name: Mapped[str]
    architecture: Mapped[str]
    classes: Mapped[list[Any] | None]  # names, as asked for
    input: Mapped[dict[str, Any] | None]  # contract.weights.InputRule; None: ImageNet's
    licence: Mapped[str]
    source: Mapped[str]
    status: Mapped[str]
    num_classes: Mapped[int | None]  # from here on as read from the file
    channels: Mapped[int | None]
    stem: Mapped[str | None]
    report: Mapped[dict[str, Any] | None]  # contract.results.weights_report.WeightsReport
    object_key: Mapped[str | None]
    bytes: Mapped[int | None]
    sha256: Mapped[str | None]
    error: Mapped[dict[str, Any] | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("status in ('queued', 'running', 'ready', 'failed')", name="status"),
        Index("ix_weights_tenant_id_id", "tenant_id", "id"),
        Index("ix_weights_upload_id", "upload_id"),
        Index("ix_weights_live", "lease_expires_at", postgresql_where=text("status in ('queued', 'running')")),
    )
