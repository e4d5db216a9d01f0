"""Methods compared over the same seeds."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.row import Owned, Row


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
    ended_at: Mapped[datetime | None]  # all its jobs were over, and webhooks were told: core.comparisons.endings

    __table_args__ = (
        CheckConstraint("budget in ('images_seen', 'epochs')", name="budget"),
        Index("ix_comparisons_tenant_id_id", "tenant_id", "id"),
        Index("ix_comparisons_open", "id", postgresql_where=text("ended_at IS NULL")),
    )
