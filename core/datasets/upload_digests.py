"""The sha256 of an uploaded file, taken while its parts arrive, in order.

After each part the state of the hash is kept, with which objects went into it: a part that was replaced since, by
whomever, makes the states from it on count for nothing. Whatever no state covers is read from the store at the end.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.database.database import transaction
from core.store import storage
from core.store.running_sha256 import RunningSha256, is_available
from core.tables import UploadPart


@dataclass
class Begun:
    """The hash of the parts up to `number`, and which objects they were."""

    number: int
    objects: str
    hash: RunningSha256


def before(session: Session, upload_id: str, number: int) -> Begun | None:
    """What the bytes of a part are to be added to; None where the parts before it were not hashed."""
    if not is_available():
        return None
    if number == 1:
        return Begun(0, "", RunningSha256())
    row = session.get(UploadPart, (upload_id, number - 1))
    return Begun(row.number, row.objects, RunningSha256(row.state)) if row else None


def keep(upload_id: str, begun: Begun, tag: str) -> Begun:
    """The bytes of the next part were added to `begun`, and they lie in the store by this tag."""
    after = Begun(begun.number + 1, _with(begun.objects, tag), begun.hash)
    if tag:
        values = {"objects": after.objects, "state": after.hash.state}
        statement = insert(UploadPart).values(upload_id=upload_id, number=after.number, **values)
        with transaction() as session:
            session.execute(text("SET LOCAL synchronous_commit TO off"))  # a lost state is read again
            session.execute(statement.on_conflict_do_update(index_elements=["upload_id", "number"], set_=values))
    return after


def digest(upload_id: str, parts: Mapping[str, str]) -> str:
    """Of the file whose parts these are, key and tag in their order. Reads what was not hashed on its arrival."""
    if not is_available():
        return read_whole(parts)
    begun = _furthest(upload_id, list(parts.values()))
    for key, tag in list(parts.items())[begun.number :]:
        for chunk in storage.read(key):
            begun.hash.update(bytes(chunk))
        begun = keep(upload_id, begun, tag)  # for another process, should this one not come to its end
    return begun.hash.hexdigest()


def read_whole(parts: Mapping[str, str]) -> str:
    found = hashlib.sha256()
    for key in parts:
        for chunk in storage.read(key):
            found.update(chunk)
    return found.hexdigest()


def forget(session: Session, upload_ids: Sequence[str]) -> None:
    session.execute(delete(UploadPart).where(UploadPart.upload_id.in_(upload_ids)))


def _furthest(upload_id: str, tags: Sequence[str]) -> Begun:
    """The last state that was made of these very objects."""
    objects = list(accumulate(tags, _with, initial=""))
    with transaction() as session:
        kept = select(UploadPart.number, UploadPart.objects).where(UploadPart.upload_id == upload_id)
        valid = [n for n, made_of in session.execute(kept) if n < len(objects) and made_of == objects[n]]
        found = before(session, upload_id, max(valid, default=0) + 1)
    return found or Begun(0, "", RunningSha256())


def _with(objects: str, tag: str) -> str:
    return hashlib.sha256(f"{objects} {tag}".encode()).hexdigest()
