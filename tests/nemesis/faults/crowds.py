"""A tenant with thousands of jobs beside a tenant with one: the one waits as if it were alone."""

from __future__ import annotations

from contract.specs import parse
from core import queue
from core.database.database import transaction
from core.jobs import requests
from core.tables import DatasetVersion
from tests.nemesis.run import Fault, Run, now
from tests.nemesis.world import SHORT, wait_for
from tests.worker import seed

CROWD = 2_000
MAY_RUN = 1
WAIT_SECONDS = 30.0


def crowd(run: Run) -> None:
    """Over its running quota, with a message for each of its jobs; every other time the one's message is lost."""
    version = seed.version(seed.tenant("crowd"))
    jobs = _submit(version)
    is_silent = run.seed % 2 == 0
    try:
        if is_silent:
            run.world.link("api", "redis").mode = "refuse"
        begun_at = now()
        for _ in range(3):
            job_id = run.submit(steps=20)
            run.wait_status(job_id, "running", "succeeded", seconds=WAIT_SECONDS)
            run.figure("recovery_seconds", now() - begun_at)
            run.wait_status(job_id, "succeeded")
            begun_at = now()
        waiting = run.world.rows("SELECT count(*) AS jobs FROM jobs WHERE id = ANY(%s) AND status = 'queued'", jobs)
        run.fired(f"{waiting[0]['jobs']} jobs of another tenant waited; message {'lost' if is_silent else 'sent'}")
    finally:
        run.world.heal()
        _remove(run, version, jobs)


def _submit(version: DatasetVersion) -> list[str]:
    labels = {"fake/step_seconds": "0.05", "fake/checkpoint_steps": "20"}
    training = {"epochs": 4, "pairs_per_batch": 4}
    spec = parse({"dataset": version.id, "training": training, "labels": labels, "exports": []})
    jobs: list[str] = []
    while len(jobs) < CROWD:
        with transaction() as session:
            jobs += [requests.submit(session, version.tenant_id, spec).id for _ in range(50)]
    for job_id in jobs:
        queue.ring("worker.train", job_id)
    return jobs


def _remove(run: Run, version: DatasetVersion, jobs: list[str]) -> None:
    """So that the next run begins without them."""
    for job_id in jobs:
        status = run.job(job_id)["status"]
        if status in ("queued", "running"):
            with transaction() as session:
                requests.cancel(session, version.tenant_id, job_id)
    running = "SELECT 1 FROM jobs WHERE id = ANY(%s) AND status = 'running'"
    wait_for(lambda: not run.world.rows(running, jobs), seconds=120, what="nobody works for the crowd")


FAULTS = [
    Fault(
        "F58",
        f"{CROWD:,} jobs of a tenant over its quota beside a tenant with one",
        crowd,
        settings=SHORT | {"quota_running_jobs": str(MAY_RUN)},
        target="30 s",
        end_seconds=300,
    )
]
