"""Pushed weights: claim, fetch the upload, read it in a confined child process, store the file or why not."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy.orm import Session

from contract.child.messages import JobError
from contract.files import WEIGHTS, WEIGHTS_REPORT
from contract.results.weights_found import WeightsFound
from core import queue
from core.database import leases
from core.errors import ChecksumMismatch, NotFound
from core.settings import settings
from core.store import storage
from core.tables import Upload, Weights
from core.weights import ledger
from worker.children.child import Child
from worker.children.supervision import TrainerFailed, supervise
from worker.claims.lease import Lease
from worker.claims.ledger_writes import write_until_done
from worker.disk import uploaded
from worker.tasks import short

logger = logging.getLogger(__name__)
OUT = "out"  # in the scratch folder: what the child leaves


@dataclass(frozen=True)
class Order:
    """Claimed weights and what they are read from."""

    weights: Weights
    upload: Upload


def _claim(session: Session, weights_id: str) -> Order | None:
    row = leases.claim(session, Weights, weights_id, settings().worker_name)
    return Order(row, session.get_one(Upload, row.upload_id)) if row else None


def _work(order: Order, lease: Lease, folder: Path) -> None:
    row, file, out = order.weights, folder / "upload", folder / OUT
    lease.patiently(lambda: uploaded.fetch(order.upload, file))
    out.mkdir()
    arguments: list[str | Path] = ["weights", "--in", file, "--architecture", row.architecture, "--out", out]
    supervise(lease, Child(settings().trainer_module, arguments, folder=folder))
    found = WeightsFound.model_validate_json((out / WEIGHTS_REPORT).read_bytes())
    _require_stated(row, found)
    key = f"weights/{row.id}/{row.fence}/{WEIGHTS}"
    stored = lease.patiently(lambda: storage.put_file(key, out / WEIGHTS))
    write_until_done(lambda session: ledger.publish(session, row.id, row.fence, found, stored))
    logger.info("ready: %d tensors matched", len(found.report.matched))


def _require_stated(row: Weights, found: WeightsFound) -> None:
    """Raises TrainerFailed where what was said of the file cannot be true of it."""
    if row.input is not None and len(row.input["mean"]) != found.channels:
        raise TrainerFailed(
            _refusal(
                "channels_differ",
                f"The network reads images of {found.channels} channels; `input.mean` has {len(row.input['mean'])}.",
                "Give one mean and one standard deviation per channel, or leave `input` out.",
            )
        )
    if row.classes is not None and found.num_classes not in (None, len(row.classes)):
        raise TrainerFailed(
            _refusal(
                "classes_differ",
                f"The file tells {found.num_classes} classes apart; you named {len(row.classes)}.",
                "Give the name of every class in the order of the file, or leave `classes` out.",
            )
        )


def _held(order: Order) -> short.Held:
    row = order.weights

    def fail(error: JobError) -> None:
        _fail(row, error, None)

    def ring() -> None:
        queue.ring("worker.weights", row.id)

    return short.Held("the weights", row.id, row.fence, fail, ledger.give_back, ring)


def _settle_bad_file(order: Order, folder: Path, ending: Exception) -> bool:
    """The endings that are the file's; False for another."""
    match ending:
        case TrainerFailed(error=error):
            _fail(order.weights, error, _report(folder / OUT / WEIGHTS_REPORT))
        case NotFound() | ChecksumMismatch():
            remedy = "Upload the file again and push the weights from the new upload."
            _fail(order.weights, _refusal("upload_lost", str(ending), remedy, category="platform"), None)
        case _:
            return False
    return True


def _fail(row: Weights, error: JobError, report: dict[str, Any] | None) -> None:
    logger.info("failed: %s", error.message)
    write_until_done(lambda session: ledger.fail(session, row.id, row.fence, error, report))


def _report(path: Path) -> dict[str, Any] | None:
    """Which tensors fit, where the file could be read at all."""
    if not path.is_file():
        return None
    return WeightsFound.model_validate_json(path.read_bytes()).report.model_dump(mode="json")


def _refusal(
    code: str, message: str, remediation: str, *, category: Literal["user_data", "platform"] = "user_data"
) -> JobError:
    return JobError(code=code, category=category, retryable=False, message=message, remediation=remediation)


def _about(order: Order) -> dict[str, Any]:
    return {"request_id": order.weights.request_id}


READ_WEIGHTS = short.Work(
    kind="weights",
    table=Weights,
    claim=_claim,
    held=_held,
    about=_about,
    do=_work,
    settle_special=_settle_bad_file,
)
