"""Processes that die, stop, hang or are told to go: the trainer, its worker, both."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

import psutil

from tests.nemesis.fleet import wait_gone
from tests.nemesis.run import INTERVAL, UPLOADING, Fault, NotFired, Run, now
from tests.nemesis.world import SHORT, wait_for
from tests.worker.processes import Worker

TRAINING_SECONDS = 3.0  # of a job of 100 steps at 0.03 s


def begin(run: Run, **job: object) -> str:
    """A job that trains, met at a random time of its training."""
    job_id = run.submit(**job)  # type: ignore[arg-type]
    run.wait_step(job_id, 1)
    time.sleep(run.rng.uniform(0, TRAINING_SECONDS * 0.8))
    return job_id


def tree(worker: Worker) -> list[psutil.Process]:
    """A worker with all that it started, itself first."""
    return [psutil.Process(worker.process.pid), *worker.descendants()]


def send(processes: list[psutil.Process], how: signal.Signals) -> None:
    for process in processes:
        if process.is_running():
            with suppress(ProcessLookupError):  # it ended by itself a moment ago
                os.kill(process.pid, how)


def kill_trainer(run: Run) -> None:
    job_id = begin(run)
    fence, trainer = run.claims(job_id), run.trainer(job_id)
    trainer.kill()
    killed_at = now()
    if (outcome := run.wait_outcome(job_id, fence)) != "crashed":
        raise NotFired(f"attempt ended as {outcome}")
    run.fired(f"kill -9 of trainer {trainer.pid}: the attempt of fence {fence} crashed")
    run.recovered(job_id, killed_at, fence=fence)


def kill_worker_and_trainer(run: Run) -> None:
    job_id = begin(run)
    fence, everyone = run.claims(job_id), tree(run.holder(job_id))
    send(everyone, signal.SIGKILL)
    killed_at = now()
    _await_lost(run, job_id, fence)
    run.fired(f"kill -9 of {len(everyone)} processes of a worker and its trainer; its lease of fence {fence} ran out")
    run.recovered(job_id, killed_at, fence=fence)


def kill_worker_alone(run: Run) -> None:
    """The whole worker, or only its process that runs tasks: either way the trainer has lost its parent."""
    job_id = begin(run)
    fence, worker, trainer = run.claims(job_id), run.holder(job_id), run.trainer(job_id)
    task = trainer.parent()
    victim = run.rng.choice([worker.process.pid, task.pid])
    os.kill(victim, signal.SIGKILL)
    killed_at = now()
    orphans = wait_gone([trainer.pid], seconds=2)
    run.demand(not orphans, "the trainer outlived its worker by two seconds")
    run.figure("orphan_seconds", now() - killed_at)
    _await_lost(run, job_id, fence)
    run.fired(f"kill -9 of process {victim}; trainer {trainer.pid} gone, its lease of fence {fence} ran out")
    run.recovered(job_id, killed_at, fence=fence)


def stop_worker(run: Run) -> None:
    """SIGSTOP beyond the lease, then SIGCONT: the worker that wakes believes that the job is still its own."""
    job_id = begin(run, steps=200)
    fence, worker, trainer = run.claims(job_id), run.holder(job_id), run.trainer(job_id)
    if worker not in run.world.fleet.workers:
        raise NotFired("another lane's worker took the job between its waking and its end")
    with_trainer = run.rng.random() < 0.5
    stopped = [one for one in tree(worker) if with_trainer or one.pid != trainer.pid]
    send(stopped, signal.SIGSTOP)
    stopped_at = now()
    run.world.fleet.replace(worker)
    seconds = 90.0 if run.production else run.rng.uniform(9, 15)
    try:
        run.recovered(job_id, stopped_at, fence=fence, seconds=seconds + 60)
        begun_at = now()
        time.sleep(max(0.0, stopped_at + seconds - now()))
    finally:
        send(stopped, signal.SIGCONT)
    gone = not wait_gone([trainer.pid], seconds=30)
    run.demand(gone, "the stale worker's trainer still lived 30 s after it woke")
    run.figure("overlap_seconds", 0 if with_trainer else max(0.0, now() - begun_at))
    run.fired(f"SIGSTOP of {len(stopped)} processes for {now() - stopped_at:.0f} s; fence {fence} was claimed over")
    worker.terminate()


def shut_down(run: Run) -> None:
    """SIGTERM, to the worker or to its whole process group, as orchestrators do."""
    job_id = begin(run)
    fence, worker = run.claims(job_id), run.holder(job_id)
    begun_at = now()
    if run.rng.random() < 0.5:
        os.kill(worker.process.pid, signal.SIGTERM)
    else:
        os.killpg(worker.process.pid, signal.SIGTERM)
    run.demand(worker.process.wait(60) == 0, "the worker did not end with status 0")
    run.figure("drain_seconds", now() - begun_at)
    if (outcome := run.wait_outcome(job_id, fence)) != "shutdown":
        raise NotFired(f"attempt ended as {outcome}")
    run.fired(f"SIGTERM: the attempt of fence {fence} was given back and the worker ended")
    run.recovered(job_id, begun_at, fence=fence)


def no_memory(run: Run) -> None:
    """The kernel ends the trainer at the same place each time."""
    _poison(run, "oom_kill")


def poison(run: Run) -> None:
    _poison(run, "segfault")


def hang(run: Run) -> None:
    once = run.world.folder / f"once-{run.name}"
    at = run.rng.randrange(1, 90)
    job_id = run.submit(labels={"fake/mode": "hang", "fake/at": str(at), "fake/once": str(once)})
    wait_for(once.exists, seconds=60, what="the trainer hangs")
    hung_at = now()
    fence = run.claims(job_id)
    outcome = run.wait_outcome(job_id, fence)
    stall = float(run.fault.settings["STALL"])
    run.figure("detection_seconds", now() - hung_at)
    run.demand(now() - hung_at <= stall + 10, "a hung trainer was not ended within the stall limit and ten seconds")
    run.fired(f"the trainer hung at step {at}; its attempt ended as {outcome}")
    run.recovered(job_id, hung_at, fence=fence)


def _poison(run: Run, mode: str) -> None:
    """Three starts and no more; the worker goes on with the next job."""
    at = str(run.rng.randrange(1, 19))
    begun_at = now()
    job_id = run.submit(labels={"fake/mode": mode, "fake/at": at}, expects=["failed"])
    bystander = run.submit()
    job = run.wait_status(job_id, "failed")
    run.figure("failed_seconds", now() - begun_at)
    run.demand(job["total_attempts"] == 3, f"a poisonous job was started {job['total_attempts']} times")
    run.demand((job["error"] or {}).get("code") == "poison", f"it failed as {job['error']}")
    run.wait_status(bystander, "succeeded")
    run.fired(f"{mode} at step {at} in each of {job['total_attempts']} attempts")


def _await_lost(run: Run, job_id: str, fence: int) -> None:
    outcome = run.wait_outcome(job_id, fence, seconds=180)
    if outcome != "worker_lost":
        raise NotFired(f"attempt ended as {outcome}")


FAULTS = [
    Fault("F1", "kill -9 of the trainer", kill_trainer, lanes=2, production=True, target="p99 15 s"),
    Fault(
        "F2",
        "kill -9 of worker and trainer",
        kill_worker_and_trainer,
        workers=4,
        lanes=3,
        lost_limit=INTERVAL + UPLOADING,
        production=True,
        target="p99 75 s",
    ),
    Fault(
        "F3",
        "kill -9 of the worker alone",
        kill_worker_alone,
        workers=4,
        lanes=3,
        lost_limit=INTERVAL + UPLOADING,
        production=True,
        target="p99 75 s",
    ),
    Fault(
        "F4",
        "SIGSTOP beyond the lease, then SIGCONT",
        stop_worker,
        workers=4,
        lanes=3,
        lost_limit=INTERVAL + UPLOADING,
        must_refuse=True,
        production=True,
    ),
    Fault("F8", "SIGTERM of the worker", shut_down, lost_limit=0, lanes=1),
    Fault(
        "F9",
        "SIGKILL of the trainer at one place each time, as for want of memory",
        no_memory,
        expects=frozenset({"succeeded"}),
        lanes=2,
    ),
    Fault("F10", "poison: a segfault each time", poison, lanes=2),
    Fault("F11", "trainer hangs, deaf to SIGTERM", hang, settings=SHORT | {"STALL": "5"}, workers=4, lanes=3),
]
