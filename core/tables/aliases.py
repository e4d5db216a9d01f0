"""Names of a tenant's own that point at a model and a file of it, and each change of where they point."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.row import Owned, Row


class Alias(Owned, Row):
    __tablename__ = "aliases"

    name: Mapped[str]
    revision: Mapped[int]  # grows with every change, also over a deletion: the highest of its changes
    model_id: Mapped[str] = mapped_column(ForeignKey("models.id"))  # which cannot go while this is here
    export_id: Mapped[str] = mapped_column(ForeignKey("exports.id"))
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        Index("ix_aliases_model_id", "model_id"),
        Index("ix_aliases_export_id", "export_id"),
    )


class AliasChange(Owned, Row):
    """Outlives the alias, its model and its file."""

    __tablename__ = "alias_changes"

    name: Mapped[str]
    revision: Mapped[int]
    model_id: Mapped[str | None]  # None: the alias was deleted
    export_id: Mapped[str | None]
    key_id: Mapped[str | None]  # who changed it; None: a browser

    __table_args__ = (UniqueConstraint("tenant_id", "name", "revision"),)

    @property
    def status(self) -> str:
        return "deleted" if self.export_id is None else "set"
