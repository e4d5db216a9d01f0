"""Processes that take work: what each last said of itself."""

from datetime import datetime

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.row import Row


class Worker(Row):
    """A running worker. Its name holds that of its host, so tenants do not see it."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(primary_key=True)  # as Celery has it: queue-pid@worker
    queue: Mapped[str]
    device: Mapped[str]  # as people read it: 2 x NVIDIA H200; cpu (x86_64, 16 threads)
    release: Mapped[str]
    first_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
