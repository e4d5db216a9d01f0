"""A machine that is suspended or vanishes: all processes of a worker, its network, or one of its connections."""

from __future__ import annotations

import signal
import time

from tests.nemesis.faults.processes import TRAINING_SECONDS, send, tree
from tests.nemesis.fleet import wait_gone
from tests.nemesis.run import INTERVAL, UPLOADING, Fault, NotFired, Run, now
from tests.nemesis.world import APART, SERVERS, wait_for
from tests.servers.namespace import Way
from tests.worker.processes import Worker

WAYS: tuple[Way, ...] = ("there", "back", "both")
HALF_OPEN = [(server, way) for server in ("postgres", "redis") for way in WAYS]
CONSUMING_SECONDS = 60.0  # as for F18


def suspend(run: Run) -> None:
    """Everything of a worker for two minutes, or as long as AWAY says: processes, network, connections."""
    (worker,) = run.world.fleet.workers
    job_id = _train(run)
    fence, trainers = run.claims(job_id), [process.pid for process in worker.trainers()]
    stopped = tree(worker)
    send(stopped, signal.SIGSTOP)
    for server in SERVERS:
        run.world.part(APART, server)
    stopped_at = now()
    run.world.fleet.replace(worker, apart=False)
    try:
        run.recovered(job_id, stopped_at, fence=fence)
        run.wait_status(job_id, "succeeded")
        time.sleep(max(0.0, stopped_at + run.outage_seconds(120) - now()))
    finally:
        run.world.heal()
        send(stopped, signal.SIGCONT)
    left = wait_gone(trainers, seconds=30)
    run.demand(not left, "the stale trainer still lived 30 s after it woke")
    run.fired(f"{len(stopped)} processes and their network suspended for {now() - stopped_at:.0f} s; fence {fence}")
    worker.terminate()


def half_open(run: Run) -> None:
    """Packets between one worker and one server are lost, one way or both; the other worker hears everybody."""
    server, way = HALF_OPEN[run.seed % len(HALF_OPEN)]
    lonely, other = run.world.fleet.workers
    job_id = _train(run)
    fence, held_by = run.claims(job_id), run.holder(job_id)
    run.world.part(APART, server, way)
    parted_at = now()
    if server == "postgres" and held_by is lonely:
        run.recovered(job_id, parted_at, fence=fence)
    run.submit(steps=20)
    for each in list(run.jobs):
        run.wait_status(each, "succeeded")
    run.demand(server == "postgres" or run.claims(job_id) == fence, "a training needs no Redis, and was interrupted")
    run.world.join(APART, server)
    _consumes_again(run, lonely, other)
    run.fired(f"{server} and {lonely.name} half-open, {way}, for {now() - parted_at:.0f} s; job by {held_by.name}")


def _train(run: Run) -> str:
    job_id = run.submit(steps=200)
    run.wait_step(job_id, 1)
    time.sleep(run.rng.uniform(0, TRAINING_SECONDS))
    return job_id


def _consumes_again(run: Run, lonely: Worker, other: Worker) -> None:
    """The one that was parted, now that nobody else takes messages."""
    joined_at = now()
    send(tree(other), signal.SIGSTOP)
    try:
        job_id = run.submit(steps=20)
        wait_for(lambda: run.job(job_id)["status"] != "queued", seconds=120, what=f"{lonely.name} consumes again")
        if run.job(job_id)["worker"] not in (lonely.name, None):
            raise NotFired("another worker took it")
    finally:
        send(tree(other), signal.SIGCONT)
    run.figure("recovery_seconds", now() - joined_at)
    run.demand(now() - joined_at <= CONSUMING_SECONDS, f"consuming only after {now() - joined_at:.0f} s")


FAULTS = [
    Fault(
        "F56",
        "a worker suspended with its network for 2 minutes, or AWAY",
        suspend,
        workers=1,
        apart=1,
        lost_limit=INTERVAL + UPLOADING,
        must_refuse=True,
        production=True,
        target="p99 75 s",
        end_seconds=900,
    ),
    Fault(
        "F57",
        "half-open TCP to Postgres or Redis, each way and both",
        half_open,
        workers=2,
        apart=1,
        lost_limit=2 * INTERVAL,
        target="60 s",
    ),
]
