"""Bytes on their way in."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.row import Owned, Row


class Upload(Owned, Row):
    """Parts lie in the object store under `uploads/<id>/<number>`; the store says which arrived."""

    __tablename__ = "uploads"

    sha256: Mapped[str | None]  # told when it is announced or when it is completed; of a complete one never null
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


class UploadPart(Row):
    """The hash of a file up to the end of a part, and the objects that went into it. What has none is read again."""

    __tablename__ = "upload_parts"

    upload_id: Mapped[str] = mapped_column(ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    objects: Mapped[str]  # sha256 over the tags of the parts' objects up to this one
    state: Mapped[bytes]  # of `core.store.running_sha256`
