"""All at once: jobs in a queue, and every few seconds something else breaks. What is left of the pace."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import suppress

import psutil

from core import queue
from tests.nemesis.faults.processes import send, tree
from tests.nemesis.fleet import trainers
from tests.nemesis.run import INTERVAL, TERMINAL, Fault, Run, now
from tests.servers import processes

JOBS, STEPS = 10, 60
CHAOS_SECONDS = 60.0


def mix(run: Run) -> None:
    """The same jobs first in peace, then under blows until CHAOS_SECONDS are over or all have ended."""
    peace = _in_peace(run)
    begun_at = now()
    jobs = [run.submit(steps=STEPS) for _ in range(JOBS)]
    struck: list[str] = []
    while now() < begun_at + CHAOS_SECONDS and not all(run.job(j).get("status") in TERMINAL for j in jobs):
        time.sleep(run.rng.uniform(1, 5))
        blow = run.rng.choice(BLOWS)
        with suppress(psutil.NoSuchProcess):  # what was to be struck has just ended by itself
            blow(run, jobs)
        struck.append(blow.__name__.strip("_"))
        run.history.add("fault", what=struck[-1])
    for job_id in jobs:
        run.wait_status(job_id, "succeeded", "failed", seconds=300)
    ends = [run.job(job_id)["finished_at"].timestamp() for job_id in jobs]
    run.figure("goodput_share", min(1.0, peace / (max(ends) - begun_at)))
    run.figure("blows", len(struck))
    run.fired(f"{len(struck)} blows: {', '.join(struck)}")


def _in_peace(run: Run) -> float:
    """Seconds that the same jobs take where nothing is broken; measured once a world."""
    known: dict[str, float] = run.world.measured
    if "peace" not in known:
        begun_at = now()
        jobs = [run.submit(steps=STEPS) for _ in range(JOBS)]
        for job_id in jobs:
            run.wait_status(job_id, "succeeded", seconds=300)
        known["peace"] = now() - begun_at
    return known["peace"]


def _kill_a_trainer(run: Run, jobs: list[str]) -> None:
    for trainer in [process for job_id in jobs for process in trainers(job_id)][:1]:
        trainer.kill()


def _kill_a_worker(run: Run, jobs: list[str]) -> None:
    worker = run.rng.choice(run.world.fleet.workers)
    if worker.process.poll() is None:
        send(tree(worker), signal.SIGKILL)


def _stop_a_worker(run: Run, jobs: list[str]) -> None:
    worker = run.rng.choice(run.world.fleet.workers)
    if worker.process.poll() is None:
        stopped = tree(worker)
        send(stopped, signal.SIGSTOP)
        time.sleep(run.rng.uniform(2, 10))
        send(stopped, signal.SIGCONT)


def _restart_redis(run: Run, jobs: list[str]) -> None:
    run.world.redis.restart()


def _restart_postgres(run: Run, jobs: list[str]) -> None:
    server = run.world.postgres
    if server.process is not None:
        processes.end(server.process, signal.SIGQUIT)
    server.start()


def _restart_api(run: Run, jobs: list[str]) -> None:
    run.world.api.kill()
    run.world.api.start()


def _cut_every_wire(run: Run, jobs: list[str]) -> None:
    for wire in run.world.wires.values():
        wire.cut()


def _lose_the_store(run: Run, jobs: list[str]) -> None:
    link = run.world.link("workers", "s3")
    link.mode = run.rng.choice(["refuse", "stall"])
    time.sleep(run.rng.uniform(1, 5))
    link.heal()


def _ring_twice(run: Run, jobs: list[str]) -> None:
    for job_id in jobs:
        queue.ring("worker.train", job_id)


BLOWS: list[Callable[[Run, list[str]], None]] = [
    _kill_a_trainer,
    _kill_a_worker,
    _stop_a_worker,
    _restart_redis,
    _restart_postgres,
    _restart_api,
    _cut_every_wire,
    _lose_the_store,
    _ring_twice,
]
FAULTS = [
    Fault("F44", "all of these at random, ten jobs", mix, workers=3, lost_limit=4 * INTERVAL, end_seconds=400),
]
