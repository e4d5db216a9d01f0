"""A model asked about the images of a dataset version: fetch weights and pack, run `predict`, publish the rows."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from contract.child.messages import JobError
from contract.files import IMAGE_PREDICTIONS, SPEC, TRAINED_ON
from contract.results.selection import published_arm
from core import queue
from core.database import leases
from core.predictions import ledger as predictions
from core.settings import settings
from core.tables import DatasetVersion, Job, Model, Prediction
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
    """One claimed prediction, the model that is asked and the images that it is asked about."""

    prediction: Prediction
    model: Model
    job: Job
    trained_on: DatasetVersion
    version: DatasetVersion


def _claim(session: Session, prediction_id: str) -> Order | None:
    prediction = leases.claim(session, Prediction, prediction_id, settings().worker_name)
    if prediction is None:
        return None
    model = session.get_one(Model, prediction.model_id)
    trained_on = session.get_one(DatasetVersion, model.dataset_version_id)
    version = session.get_one(DatasetVersion, prediction.dataset_version_id)
    return Order(prediction, model, session.get_one(Job, model.job_id), trained_on, version)


def _work(order: Order, lease: Lease, folder: Path) -> None:
    prediction, out = order.prediction, folder / "out"
    lease.patiently(lambda: run_folder.lay_out_network(out, order.model))
    run_folder.write_spec(folder, order.job, order.trained_on)
    run_folder.write_manifest(folder, order.trained_on)
    with packs.fetched(order.version, lease) as pack:
        arguments: list[str | Path] = ["predict", folder / SPEC, "--pack", pack, "--out", out]
        arguments += ["--trained-on", folder / TRAINED_ON, "--arm", published_arm(order.model.evaluation)]
        supervise(lease, Child(settings().trainer_module, arguments, folder=folder, warm=True))
    key = f"predictions/{prediction.id}/{prediction.fence}/{IMAGE_PREDICTIONS}"
    stored = lease.patiently(lambda: publication.store_verified(key, out / IMAGE_PREDICTIONS))
    images = int((order.version.manifest or {})["samples"])
    write_until_done(
        lambda session: predictions.publish(session, prediction.id, prediction.fence, stored, images=images)
    )
    logger.info("%d images predicted", images)


def _held(order: Order) -> short.Held:
    prediction = order.prediction

    def fail(error: JobError) -> None:
        write_until_done(lambda session: predictions.fail(session, prediction.id, prediction.fence, error))

    def ring() -> None:
        queue.ring("worker.predict", prediction.id)

    return short.Held("the prediction", prediction.id, prediction.fence, fail, predictions.give_back, ring)


def _about(order: Order) -> dict[str, Any]:
    return {"model": order.model.id, "request_id": order.prediction.request_id}


PREDICT = short.Work(kind="prediction", table=Prediction, claim=_claim, held=_held, about=_about, do=_work)
