"""Races over one job: customers, workers and the sweeper at the same moment, and an oracle that reads what came of it.

Workers are played by the ledger's own functions: what is raced is Postgres' locks, thousands of times a minute.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from sqlalchemy import func, select, text

from core.database.database import transaction
from core.errors import Fenced, InvalidTransition
from core.jobs import ledger, requests
from core.jobs.ledger import CancelledFirst, Claim, Publication
from core.store.storage import StoredFile
from core.tables import DatasetVersion, Job, JobAttempt, JobEvent, Model
from tests.worker import seed

STEPS = 3
JITTER_SECONDS = 0.003  # about as long as one of the transactions that race
LEGAL = {
    None: {"queued"},
    "queued": {"running", "paused", "cancelled"},
    "running": {"queued", "succeeded", "failed", "cancelled", "paused"},
    "paused": {"queued", "cancelled"},
    "failed": {"queued"},
    "cancelled": {"queued"},
    "succeeded": set(),
}
# What a customer asked for before, so that the verb has something to undo.
BEFORE = {"resume": "pause", "retry": "cancel"}
Actor = Callable[[], object]


@dataclass
class Race:
    """One job, what was asked of it, and what was answered."""

    version: DatasetVersion
    verb: str
    seed: int
    job: Job = field(init=False)
    answers: list[str] = field(default_factory=list)  # "accepted", or "refused" by InvalidTransition
    claims: list[int] = field(default_factory=list)  # fences, in the order in which they were given

    def __post_init__(self) -> None:
        self.job = seed.job(self.version)
        self.random = random.Random(self.seed)

    def ask(self, verb: str | None = None) -> str:
        try:
            with transaction() as session:
                getattr(requests, verb or self.verb)(session, self.job.tenant_id, self.job.id)
        except InvalidTransition:
            return "refused"
        return "accepted"

    def race(self) -> None:
        self.answers.append(self.ask())

    def prepare(self) -> None:
        """What has to be asked first, for the verb to make sense."""
        if self.verb in BEFORE:
            assert self.ask(BEFORE[self.verb]) == "accepted"

    def claim(self, worker: str) -> Claim | None:
        with transaction() as session:
            job = ledger.claim(session, self.job.id, worker)
            held = Claim(job.id, job.fence, worker) if job else None
        if held:
            self.claims.append(held.fence)
        return held

    def work(self, worker: str) -> None:
        """All that a worker does from the doorbell to the end of its attempt."""
        held = self.claim(worker)
        if held is not None:
            self.train(held)

    def train(self, held: Claim) -> None:
        try:
            for step in range(1, STEPS + 1):
                with transaction() as session:
                    wishes = ledger.record(session, held, progress=self.job.progress | {"step": step})
                if wishes.cancel or wishes.pause:
                    self._end(held, "cancelled" if wishes.cancel else "paused")
                    return
        except Fenced:
            return
        self.publish(held)

    def publish(self, held: Claim) -> None:
        weights = StoredFile(f"jobs/{held.job_id}/{held.fence}/model.safetensors", 3, "0" * 64)
        evaluation = {"main": {"method": "patch_swap", "parameters": 1, "macs": 2}}
        content = Publication(weights, evaluation, exports=[], card="# c")
        try:
            with transaction() as session:
                ledger.publish(session, held, content)
        except CancelledFirst:
            self._end(held, "cancelled")
        except Fenced:
            return

    def expire(self) -> None:
        with transaction() as session:
            session.execute(
                text("UPDATE jobs SET lease_expires_at = now() - interval '1 s' WHERE id = :id AND status = 'running'"),
                {"id": self.job.id},
            )

    def sweep(self) -> None:
        with transaction() as session:
            seed.take_back_silent(session)

    def drain(self) -> str:
        """The sweeper and a worker that is never interrupted, until nothing is left to do; gives the last status."""
        for _ in range(5):
            self.expire()
            self.sweep()
            self.work("last")
            if (status := seed.read(self.job.id).status) not in ("queued", "running"):
                return status
        return status

    def _end(self, held: Claim, status: str) -> None:
        try:
            with transaction() as session:
                ledger.end(session, held, status, reason=f"{status} by request")
        except Fenced:
            return


def at_once(actors: Sequence[Actor], chance: random.Random) -> None:
    """All of them from one barrier, each after its own moment's delay. Raises what any of them raises."""
    barrier = threading.Barrier(len(actors))

    def start(actor: Actor, delay: float) -> None:
        barrier.wait(10)
        time.sleep(delay)
        actor()

    with ThreadPoolExecutor(len(actors)) as pool:
        for started in [pool.submit(start, actor, chance.uniform(0, JITTER_SECONDS)) for actor in actors]:
            started.result()


def violations(job_id: str) -> list[str]:
    """What the ledger says of a job against the invariants I2 to I4; nothing where all is well."""
    with transaction() as session:
        events = list(session.scalars(select(JobEvent).where(JobEvent.job_id == job_id).order_by(JobEvent.seq)))
        attempts = list(session.scalars(select(JobAttempt).where(JobAttempt.job_id == job_id)))
        models = session.scalars(select(func.count()).select_from(Model).where(Model.job_id == job_id)).one()
        job = session.get_one(Job, job_id)
    found = _illegal(events, job.status)
    if [event.seq for event in events] != list(range(1, len(events) + 1)):
        found.append("events are not numbered without gaps")
    runs = sum(_status(event) == "running" for event in events)
    if not runs == len(attempts) == job.total_attempts or len({a.fence for a in attempts}) != len(attempts):
        found.append(f"{runs} runs, {len(attempts)} attempts, {job.total_attempts} counted: not one claim a run")
    if models != (job.status == "succeeded"):
        found.append(f"{models} models of a job that is {job.status}")
    if any(attempt.ended_at is None for attempt in attempts) and job.status != "running":
        found.append("an attempt that never ended")
    return found


def _illegal(events: Sequence[JobEvent], status: str) -> list[str]:
    found, before, cancelled = [], None, False
    for event in events:
        if event.type == "request":
            cancelled = event.data["verb"] == "cancel"
        after = _status(event)
        if after is None:
            continue
        if after not in LEGAL[before]:
            found.append(f"{before} became {after}")
        if after == "succeeded" and cancelled:
            found.append("succeeded after a cancel that was acknowledged")
        before = after
    return found if before == status else [*found, f"the log ends with {before}, the row says {status}"]


def _status(event: JobEvent) -> str | None:
    return event.data["status"] if event.type == "status" else None
