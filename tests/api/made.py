"""What a worker would have left in the ledger: running jobs, published models, exports with files."""

from __future__ import annotations

import hashlib
from typing import Any

from contract.results.evaluation import Evaluation, SplitEvaluation
from contract.results.exported import ExportResult
from contract.specs import Constraints
from core.database.database import transaction
from core.ids import new_id
from core.jobs import ledger
from core.jobs.ledger import Claim, FinishedExport, Publication
from core.store import storage
from core.tables import Checkpoint, DatasetVersion, Export, Job, Model
from tests.worker import seed

BUNDLE = bytes(range(256)) * 400  # 102,400 bytes
REPORT = b"<!doctype html><title>report</title><script>alert(1)</script>"


def running_job(version: DatasetVersion, **body: Any) -> tuple[Job, Claim]:
    job = seed.job(version, **body)
    with transaction() as session:
        claimed = ledger.claim(session, job.id, "worker-1")
    assert claimed is not None
    return job, Claim(job.id, claimed.fence, "worker-1")


def progress(claim: Claim, **values: Any) -> None:
    with transaction() as session:
        ledger.record(session, claim, progress=values)


def events(claim: Claim, count: int) -> None:
    notes = [("notice", {"severity": "info", "code": "n", "message": str(index)}) for index in range(count)]
    with transaction() as session:
        ledger.record(session, claim, notes=notes)


def ended_job(version: DatasetVersion, status: str = "failed", **body: Any) -> Job:
    job, claim = running_job(version, **body)
    with transaction() as session:
        ledger.end(session, claim, status, reason="made so")
    return seed.read(job.id)


def checkpoint(claim: Claim, content: bytes = b"state") -> str:
    stored = storage.put_bytes(f"jobs/{claim.job_id}/{claim.fence}/checkpoints/step-000010.ckpt", content)
    with transaction() as session:
        ledger.record_checkpoint(
            session, claim, stored, arm="main", step=10, epoch=1, best=True, figures={"val.top1_accuracy": 0.5}
        )
        return session.query(Checkpoint).filter_by(job_id=claim.job_id).one().id


def published_job(
    version: DatasetVersion, *, control: bool = True, report: bool = True, **body: Any
) -> tuple[Job, Model, Export]:
    """A job that succeeded, its model, and its one export, whose file is `BUNDLE`."""
    job, claim = running_job(version, control=control, **body)
    prefix = f"jobs/{job.id}/{claim.fence}"
    stored = storage.put_bytes(f"{prefix}/bundle.zip", BUNDLE)
    arms = {"main": evaluation("main", 0.75).model_dump(mode="json")}
    if control:
        arms["control"] = evaluation("control", 0.5).model_dump(mode="json")
    publication = Publication(
        weights=storage.put_bytes(f"{prefix}/model.safetensors", b"weights"),
        evaluation=arms,
        exports=[FinishedExport(result(), stored)],
        card="# A model\n",
        report=storage.put_bytes(f"{prefix}/report.html", REPORT) if report else None,
    )
    with transaction() as session:
        model_id = ledger.publish(session, claim, publication)
        model = session.get_one(Model, model_id)
        export = session.query(Export).filter_by(model_id=model_id).one()
    return seed.read(job.id), model, export


def succeed(job_id: str, accuracy: float, **told: Any) -> None:
    """What a worker would do to a queued job that exports nothing; `told` goes over its evaluation."""
    with transaction() as session:
        claimed = ledger.claim(session, job_id, "worker-1")
    assert claimed is not None
    claim = Claim(job_id, claimed.fence, "worker-1")
    weights = storage.put_bytes(f"jobs/{job_id}/{claim.fence}/model.safetensors", b"weights")
    arms = {"main": evaluation("main", accuracy).model_dump(mode="json") | told}
    with transaction() as session:
        ledger.publish(session, claim, Publication(weights=weights, evaluation=arms, exports=[], card="# A model\n"))


def export(model: Model, status: str) -> Export:
    """Another export of the model, as far as it came."""
    with transaction() as session:
        row = Export(
            id=new_id("exp"),
            tenant_id=model.tenant_id,
            model_id=model.id,
            format="onnx",
            precision="int8",
            constraints=Constraints(max_drop_points=1).model_dump(),
            status=status,
            violations=["top1_accuracy falls by 3 points"] if status == "gate_failed" else [],
        )
        session.add(row)
    return row


def result() -> ExportResult:
    return ExportResult(
        format="onnx",
        precision="fp32",
        status="succeeded",
        constraints=Constraints(),
        violations=[],
        bytes=len(BUNDLE),
        sha256=hashlib.sha256(BUNDLE).hexdigest(),
        measured={"top1_accuracy": 0.75, "latency_ms_p50": 1.0},
    )


def evaluation(arm: str, accuracy: float) -> Evaluation:
    split = SplitEvaluation(
        split="test",
        samples=10,
        top1_accuracy=accuracy,
        top5_accuracy=None,
        nll=1.0,
        ece=0.1,
        probability_correct=0.8,
        probability_wrong=0.4,
        confidence_intervals={"top1_accuracy": (accuracy - 0.1, accuracy + 0.1)},
        per_class=[],
        confusion=[[4, 1], [1, 4]],
        robustness={},
    )
    return Evaluation(
        arm=arm,
        method="patch_swap",
        splits={"test": split},
        evaluation_split="test",
        images_seen=80,
        train_seconds=1.0,
        parameters=1000,
        macs=2000,
    )
