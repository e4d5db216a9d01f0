"""Which exported file answers a prediction, and the file itself, verified."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import select

from contract.tasks import TERMS, TaskName
from core.database.database import transaction
from core.errors import Conflict, NotFound
from core.exports import bundle_files
from core.exports.bundle_files import Bundle, BundleDamaged, NoSuchFile
from core.tables import Export

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
    key: str  # of the bundle
    bytes: int
    sha256: str


# One statement without a transaction: a prediction waits for it. The bundle's members wait until the file is opened.
CANDIDATES = """
SELECT m.id AS model_id, m.task, e.id AS export_id, e.status, e.format, e.precision, e.object_key, e.bytes, e.sha256,
    e.measured
FROM models m LEFT JOIN exports e ON e.model_id = m.id AND CASE WHEN %(export_id)s::text IS NULL
    THEN e.status = 'succeeded' AND e.format = 'onnx' ELSE e.id = %(export_id)s END
WHERE m.id = %(model_id)s AND m.tenant_id = %(tenant_id)s
ORDER BY e.id DESC LIMIT 200"""


def choose(candidates: Sequence[Mapping[str, Any]], model_id: str, export_id: str | None) -> Served:
    """Of the rows of CANDIDATES the export asked for, else the most accurate int8 file, else fp32, else any.

    Raises DomainError.
    """
    if not candidates:
        raise NotFound.by(model_id)
    found = [row for row in candidates if row["export_id"] is not None]
    if export_id is None and not found:
        raise NoServableExport
    if not found:
        raise NotFound.by(str(export_id))
    row = found[0] if export_id else _best(found)
    _require_servable(row)
    file = row["object_key"], row["bytes"], row["sha256"]
    return Served(row["model_id"], row["task"], row["export_id"], row["format"], row["precision"], *file)


def read_verified(served: Served) -> bytes:
    """The model file, whose sha256 was compared first. Raises BundleDamaged or StoreUnavailable."""
    with transaction() as session:
        members = session.scalar(select(Export.members).where(Export.id == served.export_id))
    try:
        with bundle_files.open_file(Bundle(served.key, served.bytes, served.sha256, members), MEMBER) as file:
            return file.read()
    except NoSuchFile as error:
        raise BundleDamaged from error


def bundle_of(export: Export) -> Bundle | None:
    """None where there is no file."""
    if export.object_key is None or export.bytes is None or export.sha256 is None:
        return None
    return Bundle(export.object_key, export.bytes, export.sha256, export.members)


def _best(found: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    metric = TERMS[cast("TaskName", found[0]["task"])].headline
    rank = {precision: place for place, precision in enumerate(_PREFERRED)}
    return min(found, key=lambda e: (rank.get(e["precision"], len(rank)), -((e["measured"] or {}).get(metric) or 0.0)))


def _require_servable(row: Mapping[str, Any]) -> None:
    """Raises ExportNotServable."""
    if row["status"] != "succeeded":
        raise ExportNotServable(f"Export {row['export_id']} is {row['status']}. Choose one that succeeded.")
    if row["format"] != FORMAT:
        raise ExportNotServable(
            f"Export {row['export_id']} is {row['format']}. The service runs {FORMAT} files only: choose one of those."
        )
    if row["object_key"] is None or row["bytes"] is None or row["sha256"] is None:
        raise ExportNotServable
