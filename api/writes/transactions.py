"""One SQLAlchemy session a request. Routes commit themselves; what they do not commit is rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends
from sqlalchemy.orm import Session

from api.identity import auditing
from core.database.database import session_factory


def open_session() -> Iterator[Session]:
    with session_factory()() as session:
        auditing.watch(session)
        yield session


# "function": closed when the route returns, not after the answer was sent to a slow client.
Database = Annotated[Session, Depends(open_session, scope="function")]
