"""What each attempt used: written once, when it ends, and never changed."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.row import Row


class UsageRecord(Row):
    """`core.jobs.usage` has the definition. No foreign key to the job: a bill does not shrink when one is deleted."""

    __tablename__ = "usage_records"

    job_id: Mapped[str] = mapped_column(primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenants.id"))
    project: Mapped[str | None]  # the job's label of this name, as it was then
    device: Mapped[str | None]  # cpu, cuda; None where no trainer began
    devices: Mapped[int]  # that its trainer held
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    outcome: Mapped[str]
    useful_seconds: Mapped[float]
    lost_seconds: Mapped[float]
    waiting_seconds: Mapped[float]

    __table_args__ = (Index("ix_usage_records_tenant_id_ended_at", "tenant_id", "ended_at"),)
