"""Jobs with curves, some over and some not, over a real api."""

from __future__ import annotations

import math
from typing import Any

import pytest

from core.database.database import transaction
from core.jobs import ledger
from core.jobs.ledger import Publication
from core.store.storage import StoredFile
from patchswap.client import Client
from patchswap.resources import Job
from tests.api import made
from tests.patchswap.calls.test_exports import finished
from tests.patchswap.conftest import Worker

LOSSES = {3: 2.5, 6: math.nan, 9: 1.25}


class Training(Worker):
    """A job that a worker has claimed."""

    def trains(self, losses: dict[int, float]) -> None:
        points = [self._point("train.loss", step, value) for step, value in losses.items()]
        with transaction() as session:
            ledger.record(session, self.mine, points=points)

    def _point(self, key: str, step: int, value: float) -> dict[str, Any]:
        return {"job_id": self.job_id, "key": key, "step": step, "epoch": step // 3, "value": value}


@pytest.fixture
def job(client: Client, dataset_id: str) -> Job:
    labels = {"project": "line-3", "note": ""}
    return client.jobs.create(
        dataset=dataset_id, name="a/b c", recipe="resnet20_short", seed=7, control=False, exports=[], labels=labels
    )


@pytest.fixture
def training(job: Job) -> Training:
    worker = Training(job.id)
    worker.claim()
    worker.trains(LOSSES)
    return worker


@pytest.fixture
def succeeded(job: Job, training: Training) -> Job:
    """It made two files, one of which may not be used."""
    weights = StoredFile(key="tests/weights", bytes=1, sha256="0" * 64)
    exports = [finished("fp32", b"zip", "succeeded"), finished("int8", b"zip", "gate_failed")]
    evaluation = {"main": made.evaluation("main", 0.75).model_dump(mode="json")}
    with transaction() as session:
        ledger.publish(session, training.mine, Publication(weights, evaluation, exports=exports, card="# pets\n"))
    return job.refresh()
