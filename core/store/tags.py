"""Which bytes lie under a key: an object that replaces another has another tag, unless its bytes are the same."""

import os
from dataclasses import dataclass
from pathlib import Path

import obstore

from core.store import storage


@dataclass(frozen=True)
class Held:
    bytes: int
    tag: str  # "" where the store tells none


def held(prefix: str) -> dict[str, Held]:
    """Key, bytes and tag of everything under a prefix; the tags are those that `streaming.put` gave."""
    with storage.store_errors(prefix):
        found = [(str(o["path"]), o) for page in obstore.list(storage.store(), prefix) for o in page]
        if storage.is_local():
            return {key: Held(int(o["size"]), _tag_at(path_of(key))) for key, o in found}
        return {key: Held(int(o["size"]), o["e_tag"] or "") for key, o in found}


def path_of(key: str) -> Path:
    """Where an object lies in a local store's folder."""
    return Path(str(storage.store().prefix)) / key


def of_file(stat: os.stat_result) -> str:
    """The same before and after the file gets its name."""
    return f"{stat.st_ino:x}-{stat.st_mtime_ns:x}-{stat.st_size:x}"


def _tag_at(path: Path) -> str:
    try:
        return of_file(path.stat())
    except FileNotFoundError:  # deleted since it was listed
        return ""
