"""Which exported file answers a prediction, and the file itself, verified."""

import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from contract.files import BUNDLE
from contract.tasks import TERMS, TaskName
from core.database import owned
from core.errors import ChecksumMismatch, Conflict, Gone, NotFound
from core.store import storage
from core.tables import Export, Model

FORMAT, MEMBER = "onnx", "model.onnx"
_PREFERRED = ("int8", "fp32")  # then any other


class NoServableExport(Conflict):
    """The model has no ONNX file that succeeded. Ask for an export, and wait until its status is succeeded."""


class ExportNotServable(Conflict):
    """This export has no file that can answer. Choose another export."""


class BundleDamaged(Gone):
    """The stored file is not the one that was exported, so it is not opened. Export the model again."""


class NoSuchFile(NotFound):
    """The bundle has no such file. Its `manifest.json` names all files."""


@dataclass(frozen=True)
class Served:
    """A file that may answer, as its row describes it."""

    model_id: str
    task: str
    export_id: str
    format: str
    precision: str
    object_key: str
    sha256: str


def choose(session: Session, tenant_id: str, model_id: str, export_id: str | None) -> Served:
    """The export asked for, else the model's most accurate int8 file, else fp32, else any. Raises DomainError."""
    model = owned.find(session, Model, tenant_id, model_id)
    export = _best(session, model) if export_id is None else _asked(session, model, export_id)
    if export.object_key is None or export.sha256 is None:
        raise ExportNotServable
    return Served(model.id, model.task, export.id, export.format, export.precision, export.object_key, export.sha256)


def read_verified(served: Served) -> bytes:
    """The model file of the bundle, whose sha256 was compared first. Raises BundleDamaged or StoreUnavailable."""
    try:
        return read_file(served.object_key, served.sha256, MEMBER)
    except NoSuchFile as error:
        raise BundleDamaged from error


def read_file(object_key: str, sha256: str, name: str) -> bytes:
    """One file of a bundle, whose sha256 was compared first. Raises NoSuchFile, BundleDamaged or StoreUnavailable."""
    with tempfile.TemporaryDirectory(prefix="patchswap-served-") as folder:
        path = Path(folder) / BUNDLE
        try:
            storage.get_file(object_key, path, sha256=sha256)
        except (ChecksumMismatch, NotFound) as error:
            raise BundleDamaged from error
        try:
            with zipfile.ZipFile(path) as bundle:
                if name not in bundle.namelist():
                    raise NoSuchFile(f"The bundle has no file {name!r}. It has {', '.join(sorted(bundle.namelist()))}.")
                return bundle.read(name)
        except zipfile.BadZipFile as error:
            raise BundleDamaged from error


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
