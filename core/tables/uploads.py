"""Bytes on their way in."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.row import Owned, Row


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
