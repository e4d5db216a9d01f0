"""One row of a tenant by its id: the only way from an id that a customer sent to what it names."""

from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import NotFound
from core.tables import Owned

OwnedRow = TypeVar("OwnedRow", bound=Owned)


def find(session: Session, table: type[OwnedRow], tenant_id: str, row_id: str, *, lock: bool = False) -> OwnedRow:
    """Raises NotFound for another tenant's row just as for none."""
    statement = select(table).where(table.id == row_id, table.tenant_id == tenant_id)
    row = session.scalars(statement.with_for_update() if lock else statement).one_or_none()
    if row is None:
        raise NotFound.by(row_id)
    return row
