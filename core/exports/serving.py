"""Which exported file answers a prediction, and the file itself, verified."""

from dataclasses import dataclass
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from contract.tasks import TERMS, TaskName
from core.database import owned
from core.errors import Conflict, NotFound
from core.exports import bundle_files
from core.exports.bundle_files import Bundle, BundleDamaged, NoSuchFile
from core.tables import Export, Model

FORMAT, MEMBER = "onnx", "model.onnx"
_PREFERRED = ("int8", "fp32")  # then any other


class NoServableExport(Conflict):
    """The model has no ONNX file that succeeded. Ask for an export, and wait until its status is succeeded."""


class ExportNotServable(Conflict):
    """This export has no file that can answer. Choose another export."""


@dataclass(frozen=True)
class Served:
    """A file that may answer, as its row describes it."""

    model_id: str
    task: str
    export_id: str
    format: str
    precision: str
    bundle: Bundle


def choose(session: Session, tenant_id: str, model_id: str, export_id: str | None) -> Served:
    """The export asked for, else the model's most accurate int8 file, else fp32, else any. Raises DomainError."""
    model = owned.find(session, Model, tenant_id, model_id)
    export = _best(session, model) if export_id is None else _asked(session, model, export_id)
    bundle = bundle_of(export)
    if bundle is None:
        raise ExportNotServable
    return Served(model.id, model.task, export.id, export.format, export.precision, bundle)


def read_verified(served: Served) -> bytes:
    """The model file, whose sha256 was compared first. Raises BundleDamaged or StoreUnavailable."""
    try:
        with bundle_files.open_file(served.bundle, MEMBER) as file:
            return file.read()
    except NoSuchFile as error:
        raise BundleDamaged from error


def bundle_of(export: Export) -> Bundle | None:
    """None where there is no file."""
    if export.object_key is None or export.bytes is None or export.sha256 is None:
        return None
    return Bundle(export.object_key, export.bytes, export.sha256, export.members)


def _best(session: Session, model: Model) -> Export:
    statement = select(Export).where(Export.model_id == model.id, Export.status == "succeeded", Export.format == FORMAT)
    found = list(session.scalars(statement.order_by(Export.id.desc()).limit(200)))
    if not found:
        raise NoServableExport
    metric = TERMS[cast("TaskName", model.task)].headline
    rank = {precision: place for place, precision in enumerate(_PREFERRED)}
    return min(found, key=lambda e: (rank.get(e.precision, len(rank)), -((e.measured or {}).get(metric) or 0.0)))


def _asked(session: Session, model: Model, export_id: str) -> Export:
    export = owned.find(session, Export, model.tenant_id, export_id)
    if export.model_id != model.id:
        raise NotFound
    if export.status != "succeeded":
        raise ExportNotServable(f"Export {export.id} is {export.status}. Choose one that succeeded.")
    if export.format != FORMAT:
        raise ExportNotServable(
            f"Export {export.id} is {export.format}. The service runs {FORMAT} files only: choose one of those."
        )
    return export
