"""Exported files: what was measured on them, and the files."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from api.identity.authentication import MUST_READ, Reading
from api.routes import documented
from api.schemas.models import Export, ExportConstraints, ExportFormat
from api.wire import answers, downloads, paging
from api.wire.bodies import JsonRoute
from api.wire.paging import Limit, Page
from api.wire.path_ids import ExportId
from api.writes.transactions import Database
from contract import formats
from contract.formats import FORMATS, FormatName, FormatTerms
from contract.results.exported import Candidate, ExportWarning
from contract.specs import Constraints
from core import tables
from core.database import owned
from core.errors import Conflict
from core.exports import bundle_files, serving
from core.exports.bundle_files import Bundle
from core.settings import settings

router = APIRouter(prefix="/v1", tags=["exports"], route_class=JsonRoute)
_GET = documented.problems(*documented.READ) | documented.NOT_MODIFIED


ALWAYS = "onnx"  # every worker that trains can make it; an api that stands alone does not have its converter


class ExportNotReady(Conflict):
    """There is no file to download. Wait until the export's status is succeeded."""


class ExportGateFailed(Conflict):
    """The file exceeds its limits, so it cannot be downloaded. Export it again with wider limits."""


@router.get("/exports/{export_id}", operation_id="get_export", response_model=Export, responses=_GET)
def get_export(request: Request, principal: Reading, session: Database, export_id: ExportId) -> Response:
    export = owned.find(session, tables.Export, principal.tenant_id, export_id)
    headers = {"Retry-After": "1"} if export.status in ("queued", "running") else {}
    return answers.one(request, page(export), headers=headers)


@router.get(
    "/exports/{export_id}/download",
    operation_id="download_export",
    response_class=Response,
    responses=documented.FILE | documented.problems(*documented.READ, 409, 416) | documented.NOT_MODIFIED,
)
def download_export(request: Request, principal: Reading, session: Database, export_id: ExportId) -> Response:
    """Download the bundle, a zip file: a redirect to the object store, or the bytes, with ranges."""
    return downloads.answer(request, file_of(owned.find(session, tables.Export, principal.tenant_id, export_id)))


@router.get(
    "/exports/{export_id}/files/{name}",
    operation_id="get_export_file",
    response_class=Response,
    responses=documented.FILE | documented.problems(*documented.READ, 409, 410) | documented.NOT_MODIFIED,
)
def get_export_file(
    request: Request,
    principal: Reading,
    session: Database,
    export_id: ExportId,
    name: Annotated[str, Path(max_length=200, description="Such as `model.onnx` or `preprocess.json`.")],
) -> Response:
    """Read one file of the bundle, always through the api. The file's sha256 is checked first."""
    bundle = _bundle_of(owned.find(session, tables.Export, principal.tenant_id, export_id))
    headers = {"ETag": answers.entity_tag(f"{bundle.sha256} {name}".encode()), "Cache-Control": "private, no-cache"}
    if answers.matches(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    session.close()  # the store may take its time; it needs no connection
    return downloads.whole(bundle_files.open_file(bundle, name), headers=headers)


def file_of(export: tables.Export) -> downloads.File:
    """The bundle, to download. Raises ExportGateFailed or ExportNotReady."""
    bundle = _bundle_of(export)
    name = f"{export.id}-{export.format}-{export.precision}.zip"
    return downloads.File(bundle.key, bundle.bytes, bundle.sha256, name, "application/zip")


def _bundle_of(export: tables.Export) -> Bundle:
    if export.status == "gate_failed":
        raise ExportGateFailed(violations=export.violations)
    bundle = serving.bundle_of(export)
    if export.status != "succeeded" or bundle is None:
        raise ExportNotReady(f"The export is {export.status}. It has a file once it has succeeded.")
    return bundle


@router.get(
    "/export_formats",
    operation_id="list_export_formats",
    dependencies=[MUST_READ],
    response_model=Page[ExportFormat],
    responses=documented.problems(*documented.LIST),
)
def list_export_formats(
    request: Request,
    limit: Limit = 20,
    after: Annotated[FormatName | None, Query(description="`last_id` of the page before.")] = None,
) -> Response:
    """List formats and precisions, and whether the workers can write them."""
    found = [(name, _format(name, terms)) for name, terms in FORMATS.items()]
    first = 0 if after is None else list(FORMATS).index(after) + 1
    return paging.page(request, found[first:], limit)


def _format(name: FormatName, terms: FormatTerms) -> ExportFormat:
    """What workers can make is told by PATCHSWAP_EXPORT_FORMATS, or looked up here, where they run beside the api."""
    told = settings().export_formats.replace(" ", "")
    available = name in told.split(",") if told else name == ALWAYS or not formats.missing(name)
    return ExportFormat(
        name=name,
        status="available" if available else "missing_dependency",
        precisions=list(terms.precisions),
        files=terms.files,
        versions={} if told else formats.installed(name),
        install=terms.install,
        description=terms.description,
    )


def page(row: tables.Export) -> Export:
    path = f"/v1/exports/{row.id}"
    return Export(
        id=row.id,
        model_id=row.model_id,
        format=row.format,
        precision=row.precision,
        constraints=ExportConstraints.model_validate(Constraints.model_validate(row.constraints).model_dump()),
        status=row.status,
        bytes=row.bytes,
        sha256=row.sha256,
        measured=row.measured,
        rung=row.rung,
        candidates=[Candidate.model_validate(candidate) for candidate in row.candidates],
        violations=row.violations,
        warnings=[ExportWarning.model_validate(warning) for warning in row.warnings],
        error=row.error,
        created_at=row.created_at,
        finished_at=row.finished_at,
        links={"self": path, "download": f"{path}/download", "model": f"/v1/models/{row.model_id}"},
    )
