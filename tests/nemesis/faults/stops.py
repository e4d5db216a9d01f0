"""Processes that stop while Postgres waits for them, with locks in hand: nobody else may wait for long."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import psutil

from tests.nemesis.client import Customer
from tests.nemesis.faults.processes import send, tree
from tests.nemesis.fleet import wait_gone
from tests.nemesis.run import INTERVAL, UPLOADING, Fault, NotFired, Run, now
from tests.servers import stopping
from tests.servers.api import ApiServer
from tests.servers.wire import Trap
from tests.worker.processes import Worker

Place = tuple[bytes, bytes]
WRITING = (stopping.IN_POINTS, stopping.IN_CHECKPOINT)
SWEEPING = (stopping.IN_SWEEP, stopping.IN_RINGING)
ENDED_SECONDS = 75.0  # as issue 5 asks of production's settings; lease, sweep and transactions are short here
STARTED_SECONDS = 30.0
ANSWERED_SECONDS = 30.0  # a request's transaction has 20 s, and is repeated


def in_writing(run: Run) -> None:
    """In the middle of a pipeline, or before the commit of a checkpoint."""
    place = run.rng.choice(WRITING)
    with _stopped(run, place, lambda: run.submit(steps=200)) as (worker, stopped_at):
        (job_id,) = run.jobs
        fence = run.claims(job_id)
        run.recovered(job_id, stopped_at, fence=fence, seconds=ENDED_SECONDS)
    _demand_gone(run, job_id, worker)
    run.fired(f"{worker.name} stopped before {place[1]!r}; fence {fence} was claimed over")


def in_publication(run: Run) -> None:
    """Before the commit that publishes, or in half of its largest statement."""
    place = run.rng.choice((stopping.IN_PUBLICATION, stopping.IN_HALF_A_STATEMENT))
    job_id = run.submit(steps=20)
    with _stopped(run, place) as (worker, stopped_at):
        fence = run.claims(job_id)
        run.wait_status(job_id, "succeeded", seconds=ENDED_SECONDS)
        run.figure("recovery_seconds", now() - stopped_at)
    run.demand(run.claims(job_id) > fence, "the publication that was stopped was not the one that is missing")
    run.fired(f"{worker.name} stopped before {place[1]!r}; fence {fence} was claimed over")


def in_claim(run: Run) -> None:
    """Between the claim and its commit, the tenant in hand: another job of the tenant starts meanwhile."""
    place = run.rng.choice((stopping.IN_CLAIM, stopping.BEFORE_CLAIMS_COMMIT))
    with _stopped(run, place, lambda: run.submit(steps=20)) as (worker, stopped_at):
        other = run.submit(steps=20)
        run.figure("submit_seconds", now() - stopped_at)
        for job_id in (other, *run.jobs):
            run.wait_status(job_id, "running", "succeeded", seconds=STARTED_SECONDS)
        run.figure("recovery_seconds", now() - stopped_at)
    run.fired(f"{worker.name} stopped before {place[1]!r} in a claim")


def in_sweep(run: Run) -> None:
    """One sweeper stops at its work, and a worker dies: another sweeper takes its job back."""
    place = run.rng.choice(SWEEPING)
    if place == stopping.IN_RINGING:  # somebody has to be rung for
        run.world.link("api", "redis").mode = "refuse"
    job_id = run.submit(steps=200)
    with _stopped(run, place) as (worker, stopped_at):
        run.wait_step(job_id, 1, seconds=ENDED_SECONDS)
        fence, holder = run.claims(job_id), run.holder(job_id)
        if holder is worker:
            raise NotFired("the sweeper's own worker trains")
        send(tree(holder), signal.SIGKILL)
        run.recovered(job_id, now(), fence=fence, seconds=ENDED_SECONDS)
    run.fired(f"the sweeper of {worker.name} stopped before {place[1]!r} for {now() - stopped_at:.0f} s")


def in_complete(run: Run) -> None:
    """The api stops between an upload's last word and its commit; another api answers the customer."""
    content = run.rng.randbytes(1_000)
    asked = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), "media_type": "application/zip"}
    path = str(run.customer.insist("upload", "POST", "/v1/uploads", body=asked, key=f"{run.name}-u").json()["id"])
    part = f"{run.world.api.url}/v1/uploads/{path}/parts/1"
    headers = {"Authorization": f"Bearer {run.world.key}"}
    httpx.put(part, content=content, headers=headers, timeout=20, trust_env=False).raise_for_status()
    (run.world.folder / "second").mkdir(exist_ok=True)
    second = ApiServer(run.world.folder / "second", variables=run.world.variables("api", "api"))
    run.world.link("api", "postgres").cut()
    trap = run.world.link("api", "postgres").stop_at(*stopping.IN_COMPLETE)
    first = psutil.Process(run.world.api.pid)
    asking = Customer(run.world.api.url, run.world.key, run.history, timeout_seconds=1)
    asking.once("complete", "POST", f"/v1/uploads/{path}/complete", key=f"{run.name}-c")
    if not trap.caught.wait(10):
        raise NotFired("the api was not at its commit")
    first.suspend()
    stopped_at = now()
    try:
        second.start()
        there = Customer(second.url, run.world.key, run.history)
        answer = there.insist("complete", "POST", f"/v1/uploads/{path}/complete", key=f"{run.name}-c")
        run.figure("recovery_seconds", now() - stopped_at)
        run.demand(answer.json().get("status") == "complete", f"the upload is {answer.text}")
        run.demand(now() - stopped_at <= ANSWERED_SECONDS, f"answered only after {now() - stopped_at:.0f} s")
        there.close()
    finally:
        first.resume()
        run.world.heal()
        second.kill()
        asking.close()
    run.submit(steps=20)
    run.fired(f"the api stopped before its commit for {now() - stopped_at:.0f} s")


@contextmanager
def _stopped(run: Run, place: Place, then: Callable[[], object] = lambda: None) -> Iterator[tuple[Worker, float]]:
    """The worker whose connection comes to the place first stands still meanwhile; another has its place."""
    link = run.world.link("workers", "postgres")
    link.cut()  # a connection that has prepared a statement no longer says its words
    trap = link.stop_at(*place)
    then()
    if not trap.caught.wait(60):
        raise NotFired(f"nobody came to {place!r}")
    worker = _owner(run, trap)
    stopped = tree(worker)
    send(stopped, signal.SIGSTOP)
    stopped_at = now()
    run.world.fleet.replace(worker)
    try:
        yield worker, stopped_at
    finally:
        send(stopped, signal.SIGCONT)
        run.world.heal()
        worker.terminate()


def _owner(run: Run, trap: Trap) -> Worker:
    """Whose process has the connection that was caught."""
    ends = psutil.net_connections(kind="tcp")
    pid = next((end.pid for end in ends if end.laddr and end.laddr.port == trap.client_port and end.pid), None)
    for worker in run.world.fleet.workers:
        if pid in {process.pid for process in tree(worker)}:
            return worker
    raise NotFired("the process that was caught is gone")


def _demand_gone(run: Run, job_id: str, worker: Worker) -> None:
    left = wait_gone(
        [process.pid for process in worker.trainers()] if worker.process.poll() is None else [], seconds=30
    )
    run.demand(not left, f"the stale trainer of {job_id} still lived 30 s after it woke")


FAULTS = [
    Fault(
        "F51",
        "a worker stops in the middle of a pipeline, or of a checkpoint's commit",
        in_writing,
        lost_limit=INTERVAL + UPLOADING,
        production=True,
        target="75 s",
    ),
    Fault("F52", "a worker stops in a claim, its tenant in hand", in_claim, production=True, target="30 s"),
    Fault("F53", "a sweeper stops at its work", in_sweep, workers=3, lost_limit=INTERVAL + UPLOADING),
    Fault("F54", "the api stops in `complete` of an upload", in_complete, target="30 s"),
    Fault("F55", "a worker stops in its publication", in_publication, lost_limit=2 * INTERVAL, production=True),
]
