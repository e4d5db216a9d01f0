"""A model asked what it says of the images of a dataset version."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.row import Leased, Owned, Row


class Prediction(Owned, Leased, Row):
    __tablename__ = "predictions"

    model_id: Mapped[str] = mapped_column(ForeignKey("models.id", ondelete="CASCADE"))
    dataset_version_id: Mapped[str] = mapped_column(ForeignKey("dataset_versions.id"))
    status: Mapped[str]
    images: Mapped[int | None]
    object_key: Mapped[str | None]
    bytes: Mapped[int | None]
    sha256: Mapped[str | None]
    error: Mapped[dict[str, Any] | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("status in ('queued', 'running', 'succeeded', 'failed')", name="status"),
        Index("ix_predictions_tenant_id_id", "tenant_id", "id"),
        Index("ix_predictions_model_id", "model_id"),
        Index("ix_predictions_dataset_version_id", "dataset_version_id"),
        Index("ix_predictions_live", "lease_expires_at", postgresql_where=text("status in ('queued', 'running')")),
    )
