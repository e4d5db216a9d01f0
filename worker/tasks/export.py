"""An export asked for after the training: fetch weights and pack, run the trainer's `export`, publish the bundle."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from contract.child.messages import JobError
from contract.files import BUNDLE, SPEC
from contract.specs import ExportSpec
from core import queue
from core.database import leases
from core.exports import ledger as exports
from core.settings import settings
from core.tables import DatasetVersion, Export, Job, Model
from worker.children.child import Child
from worker.children.supervision import supervise
from worker.claims.lease import Lease
from worker.claims.ledger_writes import write_until_done
from worker.disk import packs, run_folder
from worker.outputs import publication
from worker.tasks import short

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Order:
    """One claimed export and what it is made of."""

    export: Export
    model: Model
    job: Job
    version: DatasetVersion


def _claim(session: Session, export_id: str) -> Order | None:
    export = leases.claim(session, Export, export_id, settings().worker_name)
    if export is None:
        return None
    model = session.get_one(Model, export.model_id)
    version = session.get_one(DatasetVersion, model.dataset_version_id)
    return Order(export, model, session.get_one(Job, model.job_id), version)


def _work(order: Order, lease: Lease, folder: Path) -> None:
    export, out, target = order.export, folder / "out", folder / "export"
    target.mkdir()
    lease.patiently(lambda: run_folder.lay_out_network(out, order.model))
    run_folder.write_spec(folder, order.job, order.version)
    with packs.fetched(order.version, lease) as pack:
        options = publication.export_arguments(_spec(export), target)
        arguments = ["export", folder / SPEC, "--pack", pack, "--out", out, *options]
        supervise(lease, Child(settings().trainer_module, arguments, folder=folder, warm=True))
    result = publication.read_export(target)
    key = f"exports/{export.id}/{export.fence}/{BUNDLE}"
    stored = lease.patiently(lambda: publication.store_bundle(key, target / BUNDLE))
    write_until_done(lambda session: exports.publish(session, export.id, export.fence, result, stored))
    logger.info("%s", result.status)


def _spec(export: Export) -> ExportSpec:
    asked = {
        "format": export.format,
        "precision": export.precision,
        "opset": export.opset,
        "constraints": export.constraints,
    }
    if export.ladder is not None:  # asked for before there were ladders
        asked["ladder"] = export.ladder
    return ExportSpec.model_validate(asked)


def _held(order: Order) -> short.Held:
    export = order.export

    def fail(error: JobError) -> None:
        write_until_done(lambda session: exports.fail(session, export.id, export.fence, error))

    def ring() -> None:
        queue.ring("worker.export", export.id)

    return short.Held("the export", export.id, export.fence, fail, exports.give_back, ring)


def _about(order: Order) -> dict[str, Any]:
    return {"job": order.job.id, "request_id": order.export.request_id}


EXPORT = short.Work(kind="export", table=Export, claim=_claim, held=_held, about=_about, do=_work)
