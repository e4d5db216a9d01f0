"""The sweeper: a process beside every worker, of which one at a time looks for what got lost.

Its duties have a thread each: a store that is away, a disk that is full or a search that waits holds up no sweep.
"""

from __future__ import annotations

import logging
import queue as queues
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import redis
from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.orm import Session

from core import queue, workers
from core.comparisons import endings
from core.database import leases
from core.database.leases import Conditions
from core.datasets import uploads
from core.errors import StoreUnavailable
from core.exports import devices, profiles
from core.jobs import turns
from core.queue import Bell
from core.settings import settings
from core.store import storage
from core.sweeps import ledger
from core.tables import DatasetVersion, Export, IdempotencyKey, Job, Prediction, Profile, WebhookDelivery, Weights
from core.webhooks import deliveries
from worker.claims.ledger_writes import LedgerAway, write_once
from worker.disk import scratch
from worker.housekeeping import lost_leases, orphans
from worker.housekeeping.lost_leases import Silent

logger = logging.getLogger(__name__)
LOCK = 0x70617463  # any number that nobody else takes for an advisory lock
IDEMPOTENCY_TTL = timedelta(hours=24)
ORPHAN_PAUSE_SECONDS = 3_600.0
ROWS_A_LOOK = 2_000  # of each kind that is forgotten or given up: a transaction must be over soon
Bells = Sequence[tuple[Any, Bell, Conditions]]
BELLS: dict[str, Bells] = {
    "train": [(Job, "worker.train", ())],
    "short": [
        (DatasetVersion, "worker.ingest", ()),
        (Export, "worker.export", ()),
        (Profile, "worker.profile", (Profile.device.is_(None),)),
        (Prediction, "worker.predict", ()),
        (Weights, "worker.weights", ()),
        (WebhookDelivery, "worker.deliver", deliveries.DUE),
    ],
}


class Look(NamedTuple):
    """What one look at the ledger found."""

    silent: Sequence[Silent]
    prefixes: Sequence[str]  # of objects whose upload is over


_doomed: queues.SimpleQueue[str] = queues.SimpleQueue()  # prefixes of objects, on their way to `tidy`


def run_forever(beside: Beside | None = None) -> None:
    """Until the process ends."""
    for duty in (scratch.reclaim, Tidying().look, drive_sweeps, *([beside.show] if beside else [])):
        threading.Thread(target=_repeat, args=(duty,), daemon=True).start()
    _repeat(watch)


def _repeat(duty: Callable[[], Any]) -> None:
    """Whatever goes wrong once is logged and tried again."""
    while True:
        try:
            duty()
        except (LedgerAway, StoreUnavailable) as error:
            logger.warning("%s waits: %s", duty.__qualname__, error)
        except Exception:
            logger.exception("%s failed", duty.__qualname__)
        time.sleep(settings().sweep_seconds)


def watch() -> None:
    """The ledger's part: this worker's device is there, and what got lost is found. Raises LedgerAway."""
    show_device()
    sweep()


def sweep() -> bool:
    """One look. False when another worker was at it. Raises LedgerAway."""
    look = write_once(_look, "sweep")
    if look is None:
        return False
    for prefix in look.prefixes:
        _doomed.put(prefix)
    for table, row_id in look.silent:
        _take_back(table, row_id)
    for name, bells in BELLS.items():
        ring_missing(name, bells)
    for device in write_once(profiles.waiting_devices, "sweep"):
        ring_missing(queue.of_device(device), [(Profile, "worker.profile", (Profile.device == device,))])
    return True


class Tidying:
    """Objects that are nobody's: of uploads that are over at once, the rest once an hour."""

    def __init__(self) -> None:
        self._orphans_at = time.monotonic() + settings().sweep_seconds

    def look(self) -> None:
        """Raises LedgerAway or StoreUnavailable."""
        tidy()
        if time.monotonic() >= self._orphans_at:
            orphans.delete_orphans()
            self._orphans_at = time.monotonic() + ORPHAN_PAUSE_SECONDS


class Beside(NamedTuple):
    """The worker whose sweeper this is."""

    name: str
    queue: str
    device: str
    release: str

    def show(self) -> None:
        """It runs. Raises LedgerAway."""
        write_once(lambda session: workers.beat(session, **self._asdict()), "sweep")


def tidy() -> None:
    """The objects of uploads that are over. Where the store is away, they are orphans of a later hour."""
    while not _doomed.empty():
        storage.delete_prefix(_doomed.get())


def show_device() -> None:
    """This worker's device is there, if it has one. Raises LedgerAway."""
    name = settings().device_name
    if name:
        write_once(lambda session: devices.beat(session, name, settings().worker_name), "sweep")


def drive_sweeps() -> None:
    """The searches that customers run, if there are any. Raises LedgerAway."""
    if write_once(ledger.running, "sweep"):
        from worker.sweeps import driving  # noqa: PLC0415 - Optuna costs memory that most workers need not spend

        driving.tick()


def ring_missing(name: str, bells: Bells) -> int:
    """Send what messages a queue lacks; gives how many. A queue with a message for each row needs none."""
    try:
        waiting = queue.depth(name)
    except redis.RedisError as error:
        logger.warning("the broker is away: %s", error)
        return 0
    rings = write_once(lambda session: _due(session, bells, waiting), "sweep")
    for sent, (bell, row_id) in enumerate(rings):
        if not queue.ring(bell, row_id, queue=name):
            return sent  # each further one would take its second; they are rung at a later look
    return len(rings)


def _look(session: Session) -> Look | None:
    """Everything that needs neither broker nor store, but for the silent rows, which have a transaction each."""
    if not session.scalar(select(func.pg_try_advisory_xact_lock(LOCK))):
        return None
    deliveries.sweep(session, limit=ROWS_A_LOOK)
    endings.announce(session, limit=ROWS_A_LOOK)
    _forget_answers(session)
    return Look(lost_leases.silent(session), uploads.abort_expired(session, limit=ROWS_A_LOOK))


def _forget_answers(session: Session) -> None:
    key = (IdempotencyKey.tenant_id, IdempotencyKey.key)
    old = select(*key).where(IdempotencyKey.created_at < func.now() - IDEMPOTENCY_TTL).limit(ROWS_A_LOOK)
    session.execute(delete(IdempotencyKey).where(tuple_(*key).in_(old.with_for_update(skip_locked=True))))


def _take_back(table: type[Any], row_id: str) -> None:
    """One that somebody holds, or that breaks down, is left to the next look and holds up no other."""
    try:
        write_once(lambda session: lost_leases.take_back(session, table, row_id), "sweep")
    except LedgerAway as error:
        logger.warning("%s waits to be taken back: %s", row_id, error)
    except Exception:
        logger.exception("%s could not be taken back", row_id)


def _due(session: Session, bells: Bells, waiting: int) -> list[tuple[Bell, str]]:
    missing = sum(_wanted(session, table, conditions) for table, _, conditions in bells) - waiting
    rings: list[tuple[Bell, str]] = []
    for table, bell, conditions in bells:
        limit = min(500, missing - len(rings))
        if limit > 0:
            age = settings().sweep_seconds
            ids = leases.due_for_ring(session, table, conditions, older_than_seconds=age, limit=limit)
            rings += [(bell, row_id) for row_id in ids]
    return rings


def _wanted(session: Session, table: Any, conditions: Conditions) -> int:
    """How many messages could lead to a claim now."""
    return turns.claimable(session) if table is Job else leases.queued(session, table, conditions)
