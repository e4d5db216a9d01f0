"""An export asked for after the training: fetch weights and pack, run the trainer's `export`, publish the bundle."""

import json
import logging
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from contract.child.messages import JobError
from contract.files import BUNDLE, EVALUATION, REPORT, SPEC, WEIGHTS
from contract.specs import ExportSpec, ResolvedSpec
from core import queue
from core.database import leases
from core.exports import ledger as exports
from core.settings import settings
from core.store import storage
from core.tables import DatasetVersion, Export, Job, Model
from worker.children.child import Child
from worker.children.supervision import supervise
from worker.claims import claiming
from worker.claims.lease import Lease
from worker.claims.ledger_writes import write_until_done
from worker.disk import packs, scratch
from worker.outputs import publication
from worker.tasks import short
from worker.telemetry import counters, logs

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Order:
    """One claimed export and what it is made of."""

    export: Export
    model: Model
    job: Job
    version: DatasetVersion


def run_export(export_id: str) -> None:
    """Answer the doorbell; an export that is not there to be claimed is normal."""
    order = claiming.answer("export", export_id, _claim)
    if order is None:
        return
    fence = order.export.fence
    with (
        logs.about(export=export_id, job=order.job.id, fence=fence, request_id=order.export.request_id),
        scratch.folder(f"{export_id}-{fence}") as folder,
    ):
        lease = Lease(lambda session: leases.renew(session, Export, export_id, fence))
        try:
            _work(order, lease, folder)
            counters.ended("export")
        except Exception as error:  # noqa: BLE001 - every way it can end is settled there
            counters.ended("export", error)
            short.settle(_held(order.export), error)


def _claim(session: Session, export_id: str) -> Order | None:
    export = leases.claim(session, Export, export_id, settings().worker_name)
    if export is None:
        return None
    model = session.get_one(Model, export.model_id)
    version = session.get_one(DatasetVersion, model.dataset_version_id)
    return Order(export, model, session.get_one(Job, model.job_id), version)


def _work(order: Order, lease: Lease, folder: Path) -> None:
    export, out, target = order.export, folder / "out", folder / "export"
    (out / "main").mkdir(parents=True)
    target.mkdir()
    lease.patiently(lambda: _fetch(order, out))
    spec_file = folder / SPEC
    spec_file.write_text(ResolvedSpec.model_validate(order.job.resolved).model_dump_json())
    with packs.fetched(order.version, lease) as pack:
        options = publication.export_arguments(_spec(export), target)
        arguments = ["export", spec_file, "--pack", pack, "--out", out, *options]
        supervise(lease, Child(settings().trainer_module, arguments, folder=folder))
    result = publication.read_export(target)
    key = f"exports/{export.id}/{export.fence}/{BUNDLE}"
    stored = lease.patiently(lambda: publication.store_bundle(key, target / BUNDLE))
    write_until_done(lambda session: exports.publish(session, export.id, export.fence, result, stored))
    logger.info("%s", result.status)


def _spec(export: Export) -> ExportSpec:
    asked = {"format": export.format, "precision": export.precision, "constraints": export.constraints}
    if export.ladder is not None:  # asked for before there were ladders
        asked["ladder"] = export.ladder
    return ExportSpec.model_validate(asked)


def _fetch(order: Order, out: Path) -> None:
    model = order.model
    storage.get_file(model.weights_key, out / "main" / WEIGHTS, sha256=model.weights_sha256)
    for arm, evaluation in model.evaluation.items():
        (out / arm).mkdir(exist_ok=True)
        (out / arm / EVALUATION).write_text(json.dumps(evaluation))
    if model.report_key is not None:
        storage.get_file(model.report_key, out / "main" / REPORT, sha256=model.report_sha256)


def _held(export: Export) -> short.Held:
    def fail(error: JobError) -> None:
        write_until_done(lambda session: exports.fail(session, export.id, export.fence, error))

    def ring() -> None:
        queue.ring("worker.export", export.id)

    return short.Held("the export", export.id, export.fence, fail, exports.give_back, ring)
