"""One run: jobs, a fault that is proven to have fired, and what was seen. And what a fault is."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg

from tests.nemesis import audit, broken
from tests.nemesis.client import Customer
from tests.nemesis.fleet import trainers
from tests.nemesis.history import History
from tests.nemesis.world import SHORT, Setup, World, wait_for
from tests.worker.processes import Worker

TERMINAL = frozenset({"succeeded", "failed", "cancelled"})
INTERVAL = 20  # steps between two checkpoints
# Who kills a worker or the ledger kills the upload of a newest checkpoint too: half a second (decision 22).
UPLOADING = 16
STEPS_PER_EPOCH = 10  # 40 training images, 4 pairs a step
POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Fault:
    """What `inject` does is the fault; the runner waits for the end of its jobs and asks the oracle."""

    id: str
    title: str
    inject: Callable[[Run], None]
    settings: Mapping[str, str] = field(default_factory=lambda: dict(SHORT))
    workers: int = 2
    short_workers: int = 0  # of the queue of short work
    lanes: int = 1  # runs at the same time; more than one only where a run touches nobody else's job
    expects: frozenset[str] = frozenset({"succeeded"})
    lost_limit: int = INTERVAL  # steps that one failure may cost
    must_refuse: bool = False  # a stale writer lives on in it: the ledger has to have refused it
    clocks: bool = False  # its processes have clocks that can be set
    apart: int = 0  # so many of its workers have a network of their own
    production: bool = False  # some of its runs have the settings of production, for its figures
    target: str = ""  # what issue 5 asks of its recovery
    end_seconds: float = 240

    @property
    def setup(self) -> Setup:
        return Setup(dict(self.settings), self.workers, self.short_workers, self.clocks, self.apart)


class NotFired(Exception):
    """The moment was missed: the run says nothing and is not counted."""


class Ended(Exception):
    """A job ended, and otherwise than the fault waits for: what that means the oracle says."""


class Run:
    """The hands of a fault: submit, look, note. Everything it does is in the history."""

    def __init__(self, fault: Fault, world: World, *, seed: int, folder: Path, production: bool = False) -> None:
        self.fault, self.world, self.seed, self.production = fault, world, seed, production
        self.name = f"{fault.id}-{seed}" + ("-production" if production else "")
        self.rng = random.Random(f"{fault.id} {seed}")
        self.history = History(folder / f"{self.name}.jsonl")
        self.jobs: dict[str, dict[str, Any]] = {}
        self.expects: dict[str, Sequence[str]] = {}
        self.allowed: Mapping[str, Any] = MappingProxyType({})
        self.customer = Customer(world.api.url, world.key, self.history)
        self.stranger = Customer(world.api.url, world.strangers_key, self.history)
        self.refused_before = audit.refused(world.postgres_log)
        self._kept = False
        self._over = threading.Event()
        self._poller = threading.Thread(target=self._poll, daemon=True)
        self._poller.start()

    # What customers do

    def submit(
        self,
        *,
        steps: int = 100,
        step_seconds: float = 0.03,
        labels: Mapping[str, str] = MappingProxyType({}),
        key: str | None = None,
        expects: Sequence[str] = (),
        weights: str | None = None,
        **more: Any,
    ) -> str:
        """A job of the fake trainer, a checkpoint every INTERVAL steps, or what `more` says; gives its id."""
        key = key or f"{self.name}-{len(self.jobs)}"
        body = self.body(steps=steps, step_seconds=step_seconds, labels=dict(labels), key=key) | more
        job_id = self.customer.submit(body, key=key)
        self.jobs[job_id] = {"steps": steps, "key": key, "weights": weights}
        self.expects[job_id] = tuple(expects) or tuple(self.fault.expects)
        return job_id

    def body(self, *, steps: int, step_seconds: float, labels: dict[str, str], key: str) -> dict[str, Any]:
        pace = {"fake/step_seconds": str(step_seconds), "fake/checkpoint_steps": str(INTERVAL), "nemesis/key": key}
        training = {"epochs": steps // STEPS_PER_EPOCH, "pairs_per_batch": 4}
        return {"dataset": self.world.version.id, "training": training, "labels": pace | labels, "exports": [{}]}

    # What it knows

    def job(self, job_id: str) -> dict[str, Any]:
        return self.world.job(job_id)

    def wait_step(self, job_id: str, step: int, *, seconds: float = 90) -> dict[str, Any]:
        """Until the ledger has so many steps of a running job. Raises NotFired where it ended before."""

        def look() -> dict[str, Any] | None:
            job = self.job(job_id)
            if job.get("status") in TERMINAL:
                raise NotFired(f"{job_id} was {job['status']} before step {step}")
            there = job.get("status") == "running" and job["phase"] == "train" and job["progress"]["step"] >= step
            return job if there else None

        return dict(wait_for(look, seconds=seconds, what=f"step {step} of {job_id}"))

    def wait_status(self, job_id: str, *statuses: str, seconds: float = 120) -> dict[str, Any]:
        """Raises Ended where it has another status for good."""
        wanted = "/".join(statuses)

        def look() -> dict[str, Any] | None:
            job = self.job(job_id)
            if job.get("status") in TERMINAL.difference(statuses):
                raise Ended(f"{job_id} was {job['status']} where {wanted} was waited for: {job['error']}")
            return job if job.get("status") in statuses else None

        return dict(wait_for(look, seconds=seconds, what=f"{job_id} {wanted}"))

    def wait_phase(self, job_id: str, phase: str, *, seconds: float = 90) -> None:
        """Until it is in this phase; raises NotFired where it ended before."""

        def look() -> bool:
            job = self.job(job_id)
            if job.get("status") in TERMINAL:
                raise NotFired(f"{job_id} was {job['status']} before {phase} was seen")
            return bool(job.get("phase") == phase)

        wait_for(look, seconds=seconds, what=f"{phase} of {job_id}")

    def wait_ends(self, *, seconds: float) -> None:
        for job_id, statuses in self.expects.items():
            self.wait_status(job_id, *(TERMINAL | set(statuses)), seconds=seconds)

    def holder(self, job_id: str) -> Worker:
        """The worker process that has claimed the job."""
        worker = self.world.fleet.named(self.job(job_id).get("worker"))
        if worker is None:
            raise NotFired(f"nobody holds {job_id}")
        return worker

    def trainer(self, job_id: str) -> Any:
        found = trainers(job_id)
        if not found:
            raise NotFired(f"{job_id} has no trainer now")
        return found[0]

    def wait_outcome(self, job_id: str, fence: int, *, seconds: float = 120) -> str:
        """How the attempt of a claim ended, once it has."""
        statement = "SELECT outcome FROM job_attempts WHERE job_id = %s AND fence = %s AND ended_at IS NOT NULL"

        def look() -> str | None:
            with contextlib.suppress(psycopg.OperationalError):
                found = self.world.rows(statement, job_id, fence)
                return str(found[0]["outcome"]) if found else None
            return None

        return str(wait_for(look, seconds=seconds, what=f"the end of claim {fence} of {job_id}"))

    def trained_steps(self, job_id: str) -> int:
        job = self.job(job_id)
        return int(job["progress"]["step"]) if job.get("phase") == "train" and job["status"] == "running" else 0

    def claims(self, job_id: str) -> int:
        return int(self.job(job_id).get("fence", 0))

    # What it notes

    def fired(self, proof: str) -> None:
        """The evidence that the fault took place. A run without any is not counted."""
        self.history.add("proof", what=proof)

    def demand(self, holds: bool, what: str) -> None:
        """Something that this fault asks beyond the invariants."""
        if not holds:
            self.history.add("violation", what=what)

    def figure(self, name: str, value: float) -> None:
        self.history.add("figure", name=name, value=value)

    def recovered(self, job_id: str, since: float, *, fence: int, seconds: float = 180) -> None:
        """Notes how long after `since` a later claim than `fence` trained on. Raises NotFired where none was needed."""
        statement = """SELECT min(extract(epoch FROM a.at)) AS at FROM nemesis_audit a WHERE a.job_id = %s
            AND a.tab = 'job_events' AND a.new->'data'->>'code' = 'training_started' AND a.n > (
                SELECT min(n) FROM nemesis_audit c WHERE c.job_id = a.job_id AND c.tab = 'jobs'
                AND (c.new->>'fence')::int > %s)"""

        def look() -> float | None:
            with contextlib.suppress(psycopg.OperationalError):
                at = self.world.rows(statement, job_id, fence)[0]["at"]
                if at is None and self._ended_under(job_id, fence):
                    raise NotFired(f"{job_id} ended under claim {fence}: there was nothing to recover")
                return float(at) if at is not None else None
            return None

        try:
            at = wait_for(look, seconds=seconds, what=f"recovery of {job_id}")
        except TimeoutError:
            self.keep_broken()  # before whatever is stopped or parted goes on
            raise
        self.figure("recovery_seconds", at - since)

    def _ended_under(self, job_id: str, fence: int) -> bool:
        job = self.job(job_id)
        return job.get("status") in TERMINAL and job["fence"] <= fence

    def outage_seconds(self, usual: float) -> float:
        """How long something is to be away; of production's settings as long as AWAY says, where it does."""
        said = os.environ.get("PATCHSWAP_NEMESIS_AWAY", "") if self.production else ""
        return float(said or usual)

    def keep_broken(self) -> None:
        """How things stand now that it is given up; the first time counts."""
        if not self._kept:
            self._kept = True
            with contextlib.suppress(psycopg.OperationalError):  # the fault may have been Postgres
                broken.keep(self)

    def stop_polling(self) -> None:
        self._over.set()
        self._poller.join(30)

    def close(self) -> None:
        self.stop_polling()
        self.customer.close()
        self.stranger.close()

    def _poll(self) -> None:
        """A customer who looks at each job four times a second, and a stranger who now and then tries to."""
        watcher = Customer(self.world.api.url, self.world.key, self.history, timeout_seconds=5)
        rounds, ended = 0, set[str]()
        while not self._over.wait(POLL_SECONDS):
            rounds += 1
            for job_id in list(self.jobs):
                if job_id in ended and rounds % 20:
                    continue
                with contextlib.suppress(ValueError, RuntimeError):
                    page = watcher.poll(job_id)
                    if page and page["status"] in TERMINAL:
                        ended.add(job_id)
                    if rounds % 20 == 1:
                        self.stranger.once("foreign", "GET", f"/v1/jobs/{job_id}", job=job_id)
        watcher.close()


def uninterrupted(steps: int) -> str:
    """The sha256 of the fake trainer's weights when nothing went wrong."""
    state = b"main"
    for step in range(1, steps + 1):
        state = hashlib.sha256(state + step.to_bytes(4, "big")).digest()
    return hashlib.sha256(state).hexdigest()


def now() -> float:
    return time.time()
