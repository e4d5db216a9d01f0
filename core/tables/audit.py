"""Who changed what: append-only, by a trigger of the database's own (migration 0008)."""

from datetime import datetime

from sqlalchemy import Index, func
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.row import Row


class AuditEntry(Row):
    """One committed change by a customer. It outlives what it names, so it refers to nothing by foreign keys."""

    __tablename__ = "audit_log"

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    key_id: Mapped[str]
    request_id: Mapped[str]
    method: Mapped[str]
    path: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (Index("ix_audit_log_tenant_id_id", "tenant_id", "id"),)
