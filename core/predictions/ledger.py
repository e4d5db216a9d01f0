"""Models asked about the images of a dataset version: asked for, published, ended."""

from typing import Any

from sqlalchemy import func
from sqlalchemy.orm import Session

from contract.child.messages import JobError
from contract.pack.manifest import PackManifest
from core.database import leases, owned
from core.database.leases import POISON
from core.datasets import references
from core.errors import Invalid
from core.exports import ledger as exports
from core.ids import new_id
from core.store.storage import StoredFile
from core.tables import DatasetVersion, Model, Prediction
from core.webhooks import outbox

LIVE = ("queued", "running")
_DELETED = JobError(
    code="dataset_deleted",
    category="user_data",
    retryable=False,
    message="The dataset whose images were to be predicted was deleted.",
    remediation="Push the dataset again and ask for its predictions.",
)


def submit(session: Session, tenant_id: str, model_id: str, dataset: str) -> Prediction:
    """A queued prediction. The caller commits and then rings. `dataset` as `core.datasets.references`.

    Raises Invalid where the model cannot take the images, DatasetNotReady or DatasetFailed.
    """
    model = owned.find(session, Model, tenant_id, model_id)
    version = references.ready_version(session, tenant_id, dataset, pointer="/dataset_version")
    exports.require_pack(session, version.id)
    _require_fit(model, session.get_one(DatasetVersion, model.dataset_version_id), version)
    prediction = Prediction(
        id=new_id("prd"),
        tenant_id=tenant_id,
        model_id=model.id,
        dataset_version_id=version.id,
        status="queued",
    )
    session.add(prediction)
    session.flush()
    session.refresh(prediction)
    return prediction


def _require_fit(model: Model, trained_on: DatasetVersion, asked: DatasetVersion) -> None:
    known, given = (PackManifest.model_validate(version.manifest) for version in (trained_on, asked))
    if given.task != model.task:
        raise Invalid(
            f"The dataset is for {given.task}, the model for {model.task}. Choose a {model.task} dataset.",
            pointer="/dataset_version",
        )
    if given.channels != known.channels:
        names = {1: "gray", 3: "colour"}
        raise Invalid(
            f"The images are {names[given.channels]}, and the model was trained on {names[known.channels]} ones. "
            f"Push {names[known.channels]} images.",
            pointer="/dataset_version",
        )


def delete(session: Session, tenant_id: str, prediction_id: str) -> list[str]:
    """Whatever its status; gives the object prefixes to delete after the commit. Who works on it is fenced off."""
    session.delete(owned.find(session, Prediction, tenant_id, prediction_id, lock=True))
    return [f"predictions/{prediction_id}/"]


def publish(session: Session, prediction_id: str, fence: int, stored: StoredFile, *, images: int) -> None:
    """The verified file becomes visible. Raises Fenced."""
    row = leases.release(
        session,
        Prediction,
        prediction_id,
        fence,
        status="succeeded",
        images=images,
        object_key=stored.key,
        bytes=stored.bytes,
        sha256=stored.sha256,
        finished_at=func.now(),
    )
    outbox.announce(session, row)


def fail(session: Session, prediction_id: str, fence: int, error: JobError) -> None:
    """Raises Fenced."""
    values: dict[str, Any] = {"status": "failed", "error": error.model_dump(), "finished_at": func.now()}
    outbox.announce(session, leases.release(session, Prediction, prediction_id, fence, **values))


def give_back(session: Session, prediction_id: str, fence: int, *, counted: bool) -> str:
    """Queue it again, or fail it when that happened too often; gives the new status. Raises Fenced."""
    row = leases.give_back(session, Prediction, prediction_id, fence, counted=counted)
    end_attempt(session, row)
    return row.status


def end_attempt(session: Session, row: Prediction) -> None:
    """What becomes of a prediction whose worker ended without a result. The caller holds the row's lock."""
    if leases.queue_again(row):
        return
    _fail(session, row, POISON.model_dump() | {"message": "This prediction ended its worker several times."})


def give_up(session: Session, row: Prediction) -> None:
    """End one whose dataset goes; whoever works on it is fenced off."""
    session.refresh(row, with_for_update=True)
    if row.status in LIVE:
        row.worker = row.lease_expires_at = None
        _fail(session, row, _DELETED.model_dump())


def _fail(session: Session, row: Prediction, error: dict[str, Any]) -> None:
    row.status, row.error, row.finished_at = "failed", error, func.now()
    outbox.announce(session, row)
