"""Exported files measured again, on a device of somebody's choice."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.row import Leased, Owned, Row


class Device(Row):
    """A name that a worker inside the deployment goes by; the operator's, and known to every tenant."""

    __tablename__ = "devices"

    name: Mapped[str] = mapped_column(primary_key=True)
    worker: Mapped[str]  # the host that was seen last
    first_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())


class TenantDevice(Row):
    """A name that a device of one tenant goes by: it speaks HTTP, and no other tenant knows of it."""

    __tablename__ = "tenant_devices"

    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    worker: Mapped[str]
    first_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Profile(Owned, Leased, Row):
    __tablename__ = "profiles"

    model_id: Mapped[str] = mapped_column(ForeignKey("models.id", ondelete="CASCADE"))
    export_id: Mapped[str] = mapped_column(ForeignKey("exports.id", ondelete="CASCADE"))
    device: Mapped[str | None]  # None: whichever worker takes short work
    status: Mapped[str]
    measured: Mapped[dict[str, Any] | None]
    error: Mapped[dict[str, Any] | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("status in ('queued', 'running', 'succeeded', 'failed')", name="status"),
        Index("ix_profiles_tenant_id_id", "tenant_id", "id"),
        Index("ix_profiles_export_id_id", "export_id", "id"),
        Index("ix_profiles_model_id", "model_id"),
        Index("ix_profiles_live", "lease_expires_at", postgresql_where=text("status in ('queued', 'running')")),
    )
