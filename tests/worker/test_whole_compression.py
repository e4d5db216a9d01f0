"""A job that is pruned, killed, taken up again, and exported by a ladder that fine-tunes: the real trainer."""

from __future__ import annotations

import os
import signal

import psutil
import pytest
from sqlalchemy import select

from core import queue
from core.database.database import transaction
from core.tables import Checkpoint, DatasetVersion, Export, Job, JobEvent, Model
from tests.worker import seed
from tests.worker.processes import wait_for, wait_for_end
from tests.worker.test_whole_job import archive, push, read, real_trainer  # noqa: F401 - a fixture

PRUNING = {"target_macs_share": 0.5, "rounds": 2, "fine_tune_epochs": 60}
EXPORT = {
    "precision": "int8",
    "constraints": {"max_drop_points": 0, "max_latency_ms": 1000},
    "ladder": {"rungs": ["qat", "fp16"], "qat_epochs": 2},
}


def steps(job: Job) -> list[int]:
    with transaction() as session:
        return list(session.scalars(select(Checkpoint.step).where(Checkpoint.job_id == job.id)))


def trainers_of(worker: int) -> list[psutil.Process]:
    return [p for p in psutil.Process(worker).children(recursive=True) if "trainer" in p.cmdline()]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_pruned_job_is_taken_up_in_its_round_and_climbs_its_ladder(real_trainer, start_worker):  # noqa: F811
    start_worker("short")
    worker = start_worker("train")
    version = push(archive())
    wait_for(lambda: read(DatasetVersion, version.id).status == "ready")
    version = read(DatasetVersion, version.id)
    training = {"epochs": 10, "pairs_per_batch": 16, "checkpoint_every_seconds": 0.5}
    body = {"model": {"architecture": "resnet20"}, "compression": {"pruning": PRUNING}, "exports": [EXPORT]}
    job = seed.job(version, training=training, **body)
    queue.ring("worker.train", job.id)
    # 72 images are split; an epoch is at least two steps, so beyond step 30 the network has been pruned.
    wait_for(lambda: max(steps(job), default=0) > 30, seconds=200)
    for trainer in trainers_of(worker.process.pid):
        os.kill(trainer.pid, signal.SIGKILL)

    ended = wait_for_end(job.id, seconds=400)

    assert ended.status == "succeeded", ended.error
    main = read(Model, ended.model_id).evaluation["main"]
    assert main["macs"] <= 0.5 * main["unpruned"]["macs"]
    with transaction() as session:
        (export,) = session.scalars(select(Export).where(Export.model_id == ended.model_id))
        told = [event.data for event in session.scalars(select(JobEvent).where(JobEvent.job_id == job.id))]
    codes = [data.get("code") for data in told]
    assert codes.count("training_started") == 2
    assert "pruned" in codes
    assert codes.count("export_candidate") == len(export.candidates) >= 1
    assert export.candidates[0]["rung"] == "qat"
    assert export.status in ("succeeded", "gate_failed")
