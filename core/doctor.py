"""`python -m core.doctor`: is this deployment sound? One line a check, and for what is wrong the remedy.

Ends 1 when something is wrong. Changes nothing but an object of a few bytes, which it removes again.
"""

import argparse
import json
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import redis
from kombu.exceptions import OperationalError
from pydantic import ValidationError
from sqlalchemy import Engine, NullPool, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from core import queue
from core.database import schema_version
from core.database.database import MIN_SERVER_VERSION, client_options
from core.errors import NotFound, StoreUnavailable
from core.settings import settings
from core.store import storage

MAX_SKEW_SECONDS = 5.0
MIN_FREE_BYTES = 2 * 2**30
SWEEPS_MISSED = 6
WORKERS_ANSWER_SECONDS = 3.0


@dataclass(frozen=True)
class Finding:
    name: str
    ok: bool
    detail: str
    remedy: str | None = None


class Wrong(Exception):
    """A check failed: what is wrong, and what to do."""

    def __init__(self, detail: str, remedy: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m core.doctor", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    as_json = parser.parse_args().json
    found = []
    for finding in examine():
        found.append(finding)
        if not as_json:
            print(_line(finding), flush=True)
    if as_json:
        print(json.dumps([asdict(finding) for finding in found]))
    return 0 if all(finding.ok for finding in found) else 1


def examine() -> Iterator[Finding]:
    """Each check by itself: one that fails holds up no other, but that nothing can be looked at without settings."""
    settled = _look("settings", _settings)
    yield settled
    if settled.ok:
        for name, check in CHECKS.items():
            yield _look(name, check)


def _look(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, ok=True, detail=check())
    except Wrong as wrong:
        return Finding(name, ok=False, detail=wrong.detail, remedy=wrong.remedy)


def _settings() -> str:
    try:
        settings()
    except ValidationError as error:
        names = ", ".join(f"PATCHSWAP_{str(item['loc'][0]).upper()}" for item in error.errors())
        raise Wrong(
            f"Missing or wrong: {names}.",
            "Set them in the environment. The page Configuration of the docs lists all settings.",
        ) from error
    return "complete"


def _database() -> str:
    started = time.monotonic()
    version = _ask("SHOW server_version")
    if int(_ask("SHOW server_version_num")) < MIN_SERVER_VERSION * 10_000:
        raise Wrong(
            f"Postgres {version} cannot end a transaction whose client stopped: one worker could block all others.",
            f"Use Postgres {MIN_SERVER_VERSION} or newer: api and workers refuse to work with an older one.",
        )
    return f"Postgres {version}, {1000 * (time.monotonic() - started):.0f} ms"


def _schema() -> str:
    head = schema_version.newest()
    if _ask("SELECT to_regclass('alembic_version')::text") is None:
        raise Wrong("The database is empty.", "Run `python -m migrations`.")
    found = _ask("SELECT version_num FROM alembic_version")
    standing = schema_version.standing(found)
    if standing == "newer":
        return f"at {found}, of a later release than this one, whose newest is {head}; it can be served"
    if standing != "current":
        raise Wrong(f"The schema is {found}, this release needs {head}.", "Run `python -m migrations`.")
    return f"at {head}, the newest"


def _clock() -> str:
    before = time.time()
    theirs = float(_ask("SELECT extract(epoch FROM clock_timestamp())"))
    skew = theirs - (before + time.time()) / 2
    if abs(skew) > MAX_SKEW_SECONDS:
        raise Wrong(
            f"The database is {skew:+.1f} s off this machine.",
            "Run NTP on both machines: keys expire by the database's clock, signed URLs by this machine's.",
        )
    return f"{skew:+.3f} s to the database"


def _broker() -> str:
    started = time.monotonic()
    _info("server")
    return f"Redis {_info('server')['redis_version']}, {1000 * (time.monotonic() - started) / 2:.0f} ms"


def _persistence() -> str:
    found = _info("persistence")
    if not found.get("aof_enabled"):
        raise Wrong("Redis forgets its messages when it restarts.", "Set `appendonly yes` and `appendfsync everysec`.")
    if found.get("aof_last_write_status") != "ok":
        raise Wrong("Redis cannot write its append-only file.", "Make room on its disk.")
    return "append-only file is written"


def _eviction() -> str:
    policy = _info("memory").get("maxmemory_policy")
    if policy != "noeviction":
        raise Wrong(f"Redis may drop messages when it is full ({policy}).", "Set `maxmemory-policy noeviction`.")
    return "noeviction"


def _objects() -> str:
    key, content = f"doctor/{secrets.token_hex(8)}", secrets.token_bytes(64)
    remedy = "Check PATCHSWAP_OBJECTS_URL, PATCHSWAP_S3_*, and that the key may read, write and delete."
    started = time.monotonic()
    try:
        storage.ping()
        storage.put_bytes(key, content)
        same = storage.get_bytes(key) == content
        storage.delete([key])
    except (StoreUnavailable, NotFound) as error:
        raise Wrong(str(error), remedy) from error
    if not same:
        raise Wrong("An object came back altered.", "Use another object store.")
    return f"written, read and deleted, {1000 * (time.monotonic() - started):.0f} ms"


def _disk() -> str:
    """Of the workers, each of which knows its own, and of objects in a folder. This process may run elsewhere."""
    free = _free_of_workers()
    url = urlsplit(settings().objects_url)
    if url.scheme == "file":
        free[url.path] = shutil.disk_usage(_existing(Path(url.path))).free
    if not free:
        raise Wrong("No worker reports its free disk space.", "Start a worker, or read its log.")
    place = min(free, key=lambda each: free[each])
    if free[place] < MIN_FREE_BYTES:
        raise Wrong(
            f"{free[place] / 2**30:.1f} GiB are free at {place}.",
            f"Free disk space: packs and checkpoints need {MIN_FREE_BYTES // 2**30} GiB or more.",
        )
    return f"{free[place] / 2**30:.0f} GiB free at {place}"


def _free_of_workers() -> dict[str, int]:
    """Free bytes by folder and worker; none of a worker of an older release, which does not know the question."""
    try:
        told = queue.celery_app().control.broadcast(queue.FREE_DISK, reply=True, timeout=WORKERS_ANSWER_SECONDS) or []
    except (OperationalError, redis.RedisError, OSError):
        return {}  # the check of the workers says so
    answers = [(name, answer) for each in told for name, answer in each.items() if "bytes" in answer]
    return {f"{answer['folder']} of {name}": int(answer["bytes"]) for name, answer in answers}


def _workers() -> str:
    """A worker answers when it takes messages, also while its task runs."""
    try:
        told = queue.celery_app().control.inspect(timeout=WORKERS_ANSWER_SECONDS).active_queues() or {}
    except (OperationalError, redis.RedisError, OSError) as error:
        raise Wrong("Workers cannot be asked, because Redis does not answer.", "Start Redis.") from error
    served = dict.fromkeys(sorted(set(queue.QUEUES.values())), 0)
    for queues in told.values():
        for each in queues:
            served[each["name"]] = served.get(each["name"], 0) + 1
    if idle := [name for name, count in served.items() if not count]:
        commands = " and ".join(f"`python -m worker {name}`" for name in idle)
        raise Wrong(f"No worker answers on {', '.join(idle)}.", f"Start {commands}, or read its log.")
    return ", ".join(f"{count} on {name}" for name, count in served.items())


def _sweeper() -> str:
    """Rows that it should have taken back long ago."""
    seconds = settings().sweep_seconds * SWEEPS_MISSED
    late = f"status = 'running' AND lease_expires_at < now() - interval '{seconds} seconds'"
    tables = ("jobs", "dataset_versions", "exports", "profiles", "predictions", "weights", "webhook_deliveries")
    found = sum(_ask(f"SELECT count(*) FROM {table} WHERE {late}") for table in tables)  # noqa: S608 - names of our own
    if found:
        raise Wrong(
            f"{found} leases expired long ago and were not taken back.", "Start a worker, or read `sweep` in its log."
        )
    return "no lease is overdue"


CHECKS: dict[str, Callable[[], str]] = {
    "database": _database,
    "schema": _schema,
    "clock": _clock,
    "broker": _broker,
    "persistence": _persistence,
    "eviction": _eviction,
    "objects": _objects,
    "disk": _disk,
    "workers": _workers,
    "sweeper": _sweeper,
}


def _ask(statement: str) -> Any:
    try:
        with _plain_engine().connect() as connection:
            return connection.execute(text(statement)).scalar()
    except SQLAlchemyError as error:
        kind = type(error).__name__  # the message may hold the url
        raise Wrong(f"The database does not answer ({kind}).", "Start it, and check PATCHSWAP_DATABASE_URL.") from error


@lru_cache
def _plain_engine() -> Engine:
    """As plain as can be: an older server refuses what `core.database` asks of it, and is to be called by its name."""
    return create_engine(settings().database_url, poolclass=NullPool, connect_args=client_options())


def _info(section: str) -> dict[str, object]:
    try:
        found: dict[str, object] = queue.broker().info(section)
    except redis.RedisError as error:
        kind = type(error).__name__
        raise Wrong(f"Redis does not answer ({kind}).", "Start it, and check PATCHSWAP_REDIS_URL.") from error
    return found


def _existing(place: Path) -> Path:
    return next(folder for folder in (place, *place.absolute().parents) if folder.exists())


def _line(finding: Finding) -> str:
    if finding.ok:
        return f"ok     {finding.name}: {finding.detail}"
    return f"WRONG  {finding.name}: {finding.detail} {finding.remedy}"


if __name__ == "__main__":
    sys.exit(main())
