"""Which workers run: each says so every few seconds, and is forgotten a day after it fell silent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.tables import Worker

FORGOTTEN_AFTER = timedelta(days=1)
ONLINE_SECONDS = 60.0  # six beats


@dataclass(frozen=True)
class Seen:
    """A worker, without its host, and whether it was seen just now."""

    queue: str
    device: str
    release: str
    first_seen_at: datetime
    last_seen_at: datetime
    online: bool


def beat(session: Session, name: str, *, queue: str, device: str, release: str) -> None:
    """A worker of this name runs and takes messages from the queue."""
    statement = insert(Worker).values(name=name, queue=queue, device=device, release=release)
    session.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"last_seen_at": func.now()}))
    session.execute(delete(Worker).where(Worker.last_seen_at < func.now() - FORGOTTEN_AFTER))


def seen(session: Session) -> Sequence[Seen]:
    """Those that run first, then by the queue that they take work from."""
    is_online = (Worker.last_seen_at > func.now() - timedelta(seconds=ONLINE_SECONDS)).label("online")
    columns = (Worker.queue, Worker.device, Worker.release, Worker.first_seen_at, Worker.last_seen_at, is_online)
    found = session.execute(select(*columns).order_by(is_online.desc(), Worker.queue, Worker.name))
    return [Seen(*row) for row in found]
