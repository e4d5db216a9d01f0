"""Sweeps for the driver's tests, and the part of a worker, played by the ledger's own functions."""

from __future__ import annotations

from typing import Any

from contract.child.messages import JobError
from core.database.database import transaction
from core.jobs import ledger
from core.jobs.ledger import Claim, Publication
from core.store import storage
from core.sweeps import requests
from core.tables import DatasetVersion, Job, Sweep, SweepTrial
from tests.api import made

RATE = {"type": "float", "low": 1e-3, "high": 0.5, "log": True}
EPOCHS = 4
NAN = JobError(
    code="loss_nan", category="user_spec", retryable=False, message="the loss is lost", remediation="lower it"
)


def body(version: DatasetVersion, **changes: Any) -> dict[str, Any]:
    """Two trials at a time over the learning rate, of 40 steps of the fake trainer."""
    spec = {"training": {"epochs": EPOCHS, "pairs_per_batch": 4}} | changes.pop("spec", {})
    space = {"optimizer.learning_rate": RATE}
    return {"dataset": version.id, "space": space, "trials": 3, "max_concurrent": 2, "spec": spec} | changes


def sweep(version: DatasetVersion, **changes: Any) -> str:
    with transaction() as session:
        return requests.submit(session, version.tenant_id, body(version, **changes)).id


def read(sweep_id: str) -> Sweep:
    with transaction() as session:
        return session.get_one(Sweep, sweep_id)


def trials(sweep_id: str) -> list[SweepTrial]:
    with transaction() as session:
        return session.query(SweepTrial).filter_by(sweep_id=sweep_id).order_by(SweepTrial.number).all()


def jobs(sweep_id: str) -> list[Job]:
    with transaction() as session:
        return session.query(Job).filter_by(sweep_id=sweep_id).order_by(Job.id).all()


def claim(job_id: str) -> Claim:
    with transaction() as session:
        job = ledger.claim(session, job_id, "worker-1")
        assert job is not None
        return Claim(job.id, job.fence, "worker-1")


def reach(held: Claim, epoch: int, accuracy: float) -> None:
    """The end of an epoch, with its validation."""
    values = {"val.top1_accuracy": accuracy, "val.nll": 1 - accuracy, "train.loss": 0.5}
    common = {"job_id": held.job_id, "step": 10 * epoch, "epoch": epoch}
    with transaction() as session:
        ledger.record(session, held, points=[common | {"key": k, "value": v} for k, v in values.items()])


def publish(held: Claim, accuracy: float) -> None:
    evaluation = made.evaluation("main", 0.0)
    measured = evaluation.splits["test"].model_copy(
        update={"split": "val", "top1_accuracy": accuracy, "nll": 1 - accuracy}
    )
    stored = storage.put_bytes(f"jobs/{held.job_id}/{held.fence}/model.safetensors", b"weights")
    told = evaluation.model_copy(update={"splits": {"val": measured}, "evaluation_split": "val"})
    content = Publication(weights=stored, evaluation={"main": told.model_dump(mode="json")}, exports=[], card="# A\n")
    with transaction() as session:
        ledger.publish(session, held, content)


def finish(job_id: str, accuracy: float) -> None:
    """A whole training that ends with this accuracy."""
    held = claim(job_id)
    for epoch in range(1, EPOCHS + 1):
        reach(held, epoch, accuracy * epoch / EPOCHS)
    publish(held, accuracy)


def fail(job_id: str) -> None:
    held = claim(job_id)
    with transaction() as session:
        ledger.end(session, held, "failed", reason="loss_nan", error=NAN)
