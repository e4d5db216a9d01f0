"""Checkpoints between the trainer's folder and the object store. Uploading never makes the training wait."""

import contextvars
import logging
import os
import threading
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session

from contract.child.messages import Arm, Checkpoint
from contract.files import CHECKPOINTS
from core.errors import ChecksumMismatch, Fenced, NotFound, StoreUnavailable
from core.ids import new_id
from core.jobs import ledger, usage
from core.jobs.usage import Kept
from core.settings import settings
from core.store import storage
from core.tables import Checkpoint as CheckpointRow
from worker.claims.job_lease import JobLease
from worker.claims.lease import TICK_SECONDS
from worker.claims.ledger_writes import RETRY_SECONDS, LedgerAway, write_once
from worker.liveness import shutdown
from worker.outputs import publication
from worker.telemetry import counters

logger = logging.getLogger(__name__)
GRACE_SHARE = 0.3  # of the grace at a shutdown; the trainer has most, see worker.children.supervision.CHILD_SHARE
_LONGEST_PAUSE_SECONDS = 30.0


def grace_seconds() -> float:
    """How long the last checkpoints may take where the worker or its job ends."""
    return settings().grace_seconds * GRACE_SHARE


@dataclass(frozen=True)
class _Pending:
    message: Checkpoint
    file: Path  # a link of our own: the trainer may delete its file at any time
    kept: Kept  # by it, once it is stored
    stored: storage.StoredFile | None = None  # in the store, and not yet in the ledger


class CheckpointUploads:
    """A thread and at most two waiting files: the newest checkpoint, and the best one if that is another."""

    def __init__(self, lease: JobLease, *, out: Path, spool: Path) -> None:
        self._lease = lease
        self._claim = lease.claim
        self._out = out
        self._spool = spool
        spool.mkdir(exist_ok=True)
        self._pending: list[_Pending] = []
        self._busy = False
        self._closed = False
        self._moved_at = time.monotonic()  # the store took or gave something
        self._changed = threading.Condition()
        context = contextvars.copy_context()  # log lines name the job here too
        threading.Thread(target=context.run, args=(self._run,), name="checkpoints", daemon=True).start()

    def submit(self, message: Checkpoint) -> None:
        file = self._spool / new_id("ckpt")
        try:
            os.link(self._out / message.path, file)
        except FileNotFoundError:  # the trainer keeps its newest ones: a newer one's message is on its way
            logger.info("checkpoint of step %d was gone before it could be taken", message.step)
            return
        new = _Pending(message, file, self._lease.used)
        with self._changed:
            kept = [p for p in self._pending if p.message.arm == message.arm and p.message.best and not message.best]
            kept += [p for p in self._pending if p.message.arm != message.arm]
            for dropped in (p for p in self._pending if p not in kept):
                dropped.file.unlink()
            self._pending = [*kept, new]
            self._changed.notify_all()

    def is_idle(self) -> bool:
        with self._changed:
            return not (self._pending or self._busy)

    def finish(self) -> None:
        """Wait while the last ones move: a ready publication is not given up for them. Raises what `tick` does."""
        begun = time.monotonic()
        while not self.is_idle():
            if time.monotonic() - max(begun, self._moved_at) > settings().stall_seconds / 2:
                logger.warning("a checkpoint could not be stored in time; the job is published without it")
                return
            self._lease.advance()
            self._lease.tick()
            time.sleep(TICK_SECONDS)

    def wait(self, seconds: float) -> None:
        """Keep the claim while the last ones are stored. Raises Fenced."""
        deadline = time.monotonic() + seconds
        while not self.is_idle():
            if shutdown.requested():
                deadline = min(deadline, time.monotonic() + grace_seconds())
            if time.monotonic() > deadline:
                logger.warning("a checkpoint could not be stored in time")
                return
            self._lease.beat()
            time.sleep(TICK_SECONDS)

    def close(self) -> None:
        """Take nothing more up; what is being uploaded may end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _run(self) -> None:
        pause = 0.5
        while (pending := self._take()) is not None:
            try:
                with counters.CHECKPOINT_SECONDS.time(), storage.telling(self._move):
                    stored = pending.stored or self._store(pending)
                    if stored is not None:
                        pending = replace(pending, stored=stored)
                        self._record(pending, stored)
                    pending.file.unlink()
                pause = 0.5
            except LedgerAway as error:
                # Soon again: once the ledger is back, whoever sweeps may end this claim before its checkpoint counts.
                logger.warning("checkpoint of step %d waits: %s", pending.message.step, error)
                self._put_back(pending)
                time.sleep(RETRY_SECONDS)
            except (StoreUnavailable, NotFound, ChecksumMismatch) as error:
                counters.CHECKPOINT_FAILURES.inc()
                logger.warning("checkpoint of step %d waits: %s", pending.message.step, error)
                self._put_back(pending)
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            except Fenced:
                self._lease.fenced = True
                self.close()
            except Exception:
                logger.exception("checkpoint of step %d is left out", pending.message.step)
            finally:
                with self._changed:
                    self._busy = False

    def _move(self) -> None:
        self._moved_at = time.monotonic()

    def _take(self) -> _Pending | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._pending)
            if self._closed:
                return None
            self._busy = True
            return self._pending.pop(0)

    def _put_back(self, pending: _Pending) -> None:
        """Unless a newer one of the arm has come meanwhile."""
        with self._changed:
            if any(p.message.arm == pending.message.arm for p in self._pending):
                pending.file.unlink()
            else:
                self._pending.insert(0, pending)

    def _store(self, pending: _Pending) -> storage.StoredFile | None:
        """None where the file is not what the trainer wrote. Raises StoreUnavailable, NotFound or ChecksumMismatch."""
        message = pending.message
        key = f"jobs/{self._claim.job_id}/{self._claim.fence}/{CHECKPOINTS}/{message.arm}/{Path(message.path).name}"
        if storage.sha256_of(pending.file) != message.sha256:
            logger.error("checkpoint of step %d is not what the trainer wrote; not stored", message.step)
            return None
        return publication.store_verified(key, pending.file)

    def _record(self, pending: _Pending, stored: storage.StoredFile) -> None:
        """Raises Fenced or LedgerAway."""
        message, claim = pending.message, self._claim

        def write(session: Session) -> list[str]:
            dropped = ledger.record_checkpoint(
                session,
                claim,
                stored,
                arm=message.arm,
                step=message.step,
                epoch=message.epoch,
                best=message.best,
                figures=message.metrics,
            )
            usage.keep(session, claim.job_id, claim.fence, pending.kept)
            return dropped

        _delete(write_once(write))


def _delete(keys: list[str]) -> None:
    try:
        storage.delete(keys)
    except StoreUnavailable as error:
        logger.warning("old checkpoints stay for the sweeper: %s", error)


def restore(lease: JobLease, rows: list[CheckpointRow], arm: Arm, out: Path) -> int:
    """Put the newest intact checkpoint of an arm where the trainer looks for it; gives its step, 0 for none."""
    folder = out / arm / CHECKPOINTS
    folder.mkdir(parents=True, exist_ok=True)
    for row in (row for row in rows if row.arm == arm):
        path = folder / Path(row.object_key).name
        fetch = partial(storage.get_file, row.object_key, path, sha256=row.sha256)
        try:
            lease.patiently(fetch)
        except (NotFound, ChecksumMismatch) as error:
            message = f"The checkpoint of step {row.step} is damaged; an older one is used. {error}"
            lease.note("notice", severity="warning", code="checkpoint_corrupt", message=message, data={"id": row.id})
            continue
        path.with_name(path.name + ".sha256").write_text(f"{row.sha256}  {path.name}\n")
        return row.step
    return 0
