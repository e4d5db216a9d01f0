"""Where tenants want to be told what happens, and each message that is owed to them."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.row import Leased, Owned, Row


class Webhook(Owned, Row):
    __tablename__ = "webhooks"

    url: Mapped[str]
    description: Mapped[str | None]
    events: Mapped[list[str]]  # of core.webhooks.catalogue; "*" is all, also those to come
    format: Mapped[str] = mapped_column(server_default="standard")  # of core.webhooks.formats; it stays
    thresholds: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))  # of core.webhooks.thresholds
    secret: Mapped[str]  # sealed, or as it was told: core.webhooks.secrets
    former_secrets: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))  # sign beside it until then
    former_secrets_until: Mapped[datetime | None]
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    disabled_reason: Mapped[str | None]
    failures: Mapped[int] = mapped_column(server_default=text("0"))  # in a row, of all its messages
    held_until: Mapped[datetime | None]  # it did not answer: nothing is sent to it before

    __table_args__ = (Index("ix_webhooks_tenant_id_id", "tenant_id", "id"),)


class WebhookCrossing(Row):
    """A threshold that a job has crossed, and of which this webhook was told: once."""

    __tablename__ = "webhook_crossings"

    webhook_id: Mapped[str] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"), primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    threshold: Mapped[str] = mapped_column(primary_key=True)

    __table_args__ = (Index("ix_webhook_crossings_job_id", "job_id"),)


class WebhookDelivery(Owned, Leased, Row):
    """One message to one webhook, written in the commit of what it tells; its id is what receivers know it by."""

    __tablename__ = "webhook_deliveries"

    webhook_id: Mapped[str] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    type: Mapped[str]
    data: Mapped[dict[str, Any]]
    status: Mapped[str]
    queued_at: Mapped[datetime] = mapped_column(server_default=func.now())  # its day of attempts begins here
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    answer_status: Mapped[int | None]  # None after an attempt: there was no answer
    answer: Mapped[str | None]  # how its body begins, or why there was none
    answer_seconds: Mapped[float | None]
    attempted_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("status in ('queued', 'running', 'succeeded', 'failed')", name="status"),
        Index("ix_webhook_deliveries_webhook_id_id", "webhook_id", "id"),
        Index("ix_webhook_deliveries_live", "due_at", postgresql_where=text("status in ('queued', 'running')")),
        Index("ix_webhook_deliveries_finished", "finished_at", postgresql_where=text("finished_at is not null")),
    )
