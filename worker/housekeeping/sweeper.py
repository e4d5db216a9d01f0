"""The sweeper: a thread in every worker, of which one at a time looks for what got lost (docs/reliability.md)."""

import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import redis
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from core import queue
from core.database import leases
from core.database.leases import Conditions
from core.datasets import uploads
from core.errors import StoreUnavailable
from core.exports import devices, profiles
from core.queue import Bell
from core.settings import settings
from core.store import storage
from core.sweeps import ledger
from core.tables import DatasetVersion, Export, IdempotencyKey, Job, Profile, WebhookDelivery
from core.webhooks import deliveries
from worker.claims.ledger_writes import LedgerAway, write_once
from worker.disk import scratch
from worker.housekeeping import lost_leases, orphans

logger = logging.getLogger(__name__)
LOCK = 0x70617463  # any number that nobody else takes for an advisory lock
IDEMPOTENCY_TTL = timedelta(hours=24)
ORPHAN_PAUSE_SECONDS = 3_600.0
Bells = Sequence[tuple[Any, Bell, Conditions]]
BELLS: dict[str, Bells] = {
    "train": [(Job, "worker.train", ())],
    "short": [
        (DatasetVersion, "worker.ingest", ()),
        (Export, "worker.export", ()),
        (Profile, "worker.profile", (Profile.device.is_(None),)),
        (WebhookDelivery, "worker.deliver", deliveries.DUE),
    ],
}


def run_forever() -> None:
    """Sweep until the process ends. Whatever goes wrong once is logged and tried again."""
    orphans_at = time.monotonic() + settings().sweep_seconds
    while True:
        try:
            scratch.reclaim()
            show_device()
            if sweep() and time.monotonic() >= orphans_at:
                orphans.delete_orphans()
                orphans_at = time.monotonic() + ORPHAN_PAUSE_SECONDS
            drive_sweeps()
        except (LedgerAway, StoreUnavailable) as error:
            logger.warning("sweeping waits: %s", error)
        except Exception:
            logger.exception("sweeping failed")
        time.sleep(settings().sweep_seconds)


def sweep() -> bool:
    """One look. False when another worker was at it. Raises LedgerAway or StoreUnavailable."""
    prefixes = write_once(_requeue)
    if prefixes is None:
        return False
    for name, bells in BELLS.items():
        ring_missing(name, bells)
    for device in write_once(profiles.waiting_devices):
        ring_missing(queue.of_device(device), [(Profile, "worker.profile", (Profile.device == device,))])
    for prefix in prefixes:
        storage.delete_prefix(prefix)
    return True


def show_device() -> None:
    """This worker's device is there, if it has one. Raises LedgerAway."""
    name = settings().device_name
    if name:
        write_once(lambda session: devices.beat(session, name, settings().worker_name))


def drive_sweeps() -> None:
    """The searches that customers run, if there are any. Raises LedgerAway."""
    if write_once(ledger.running):
        from worker.sweeps import driving  # noqa: PLC0415 - Optuna costs memory that most workers need not spend

        driving.tick()


def ring_missing(name: str, bells: Bells) -> int:
    """Send what messages a queue lacks; gives how many. A queue with a message for each row needs none."""
    try:
        waiting = queue.depth(name)
    except redis.RedisError as error:
        logger.warning("the broker is away: %s", error)
        return 0
    rings = write_once(lambda session: _due(session, bells, waiting))
    return sum(queue.ring(bell, row_id, queue=name) for bell, row_id in rings)


def _requeue(session: Session) -> list[str] | None:
    """Everything that needs no broker, in one transaction; gives the prefixes of aborted uploads."""
    # A sweeper that stops in here holds up all the others: not for the minute that other sessions have.
    idle_milliseconds = f"{max(1.0, settings().sweep_seconds) * 1000:.0f}"
    session.execute(select(func.set_config("idle_in_transaction_session_timeout", idle_milliseconds, True)))
    if not session.scalar(select(func.pg_try_advisory_xact_lock(LOCK))):
        return None
    lost_leases.requeue_expired(session)
    deliveries.sweep(session)
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < func.now() - IDEMPOTENCY_TTL))
    return uploads.abort_expired(session)


def _due(session: Session, bells: Bells, waiting: int) -> list[tuple[Bell, str]]:
    missing = sum(leases.queued(session, table, conditions) for table, _, conditions in bells) - waiting
    rings: list[tuple[Bell, str]] = []
    for table, bell, conditions in bells:
        limit = min(500, missing - len(rings))
        if limit > 0:
            age = settings().sweep_seconds
            ids = leases.due_for_ring(session, table, conditions, older_than_seconds=age, limit=limit)
            rings += [(bell, row_id) for row_id in ids]
    return rings
