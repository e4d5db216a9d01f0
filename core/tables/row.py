"""What every table shares. Times are the database's own, aware UTC; statuses are text with a check constraint."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, DateTime, Double, ForeignKey, LargeBinary, MetaData, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from core.request_id import current as current_request_id

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Row(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's way
        str: Text(),
        datetime: DateTime(timezone=True),
        int: BigInteger(),
        float: Double(),
        dict[str, Any]: JSONB(none_as_null=True),
        list[Any]: JSONB(none_as_null=True),
        list[str]: ARRAY(Text()),
        bytes: LargeBinary(),
    }


class Owned:
    """A row of one tenant; every customer-side query filters by it."""

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenants.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Leased:
    """A row that one worker at a time works on. See `core.database.leases`."""

    if TYPE_CHECKING:  # each such table has them of its own
        id: Mapped[str]
        tenant_id: Mapped[str]
        created_at: Mapped[datetime]
        status: Mapped[str]

    fence: Mapped[int] = mapped_column(server_default=text("0"))  # grows with every claim; refuses stale writers
    lease_expires_at: Mapped[datetime | None]
    worker: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))  # since the last progress that survives a crash
    rung_at: Mapped[datetime | None]  # when a message was last sent for it
    request_id: Mapped[str | None] = mapped_column(default=current_request_id)  # that queued it last
