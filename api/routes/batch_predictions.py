"""A model asked about the images of a dataset version, on the queue of short work; its rows as a file."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from api.identity.authentication import Reading, Writing
from api.routes import documented
from api.schemas.batch_predictions import BatchPrediction, BatchPredictionRequest
from api.wire import answers, downloads, paging
from api.wire.bodies import JsonRoute
from api.wire.paging import InOrder, Page
from api.wire.path_ids import ModelId, PredictionId
from api.writes.idempotency import OneTime
from api.writes.removal import forget
from api.writes.transactions import Database
from core import listing, queue, tables
from core.database import owned
from core.errors import Conflict
from core.predictions import files, ledger, rows

router = APIRouter(prefix="/v1", tags=["models"], route_class=JsonRoute)

_MEDIA_TYPES = {"parquet": "application/vnd.apache.parquet", "csv": "text/csv", "ndjson": "application/x-ndjson"}
_FILE = {"schema": {"type": "string", "format": "binary"}}


class RowsNotReady(Conflict):
    """There are no rows yet. Wait until the prediction's status is succeeded."""


@router.post(
    "/models/{model_id}/predictions",
    status_code=202,
    operation_id="create_batch_prediction",
    response_model=BatchPrediction,
    responses=documented.problems(*documented.WRITE),
)
def create_batch_prediction(
    principal: Writing, once: OneTime, session: Database, model_id: ModelId, body: BatchPredictionRequest
) -> Response:
    """Ask the trained network about all images of a dataset version. Classes are matched by their names."""
    prediction = ledger.submit(session, principal.tenant_id, model_id, body.dataset_version)
    headers = {"Location": f"/v1/predictions/{prediction.id}", "Retry-After": "1"}
    answer = once.answer(202, _page(prediction), headers=headers)
    session.commit()
    queue.ring("worker.predict", prediction.id)
    return answer


@router.get(
    "/predictions",
    operation_id="list_batch_predictions",
    response_model=Page[BatchPrediction],
    responses=documented.problems(*documented.LIST),
)
def list_batch_predictions(
    request: Request,
    principal: Reading,
    session: Database,
    window: InOrder,
    *,
    model: Annotated[str | None, Query(max_length=64, description="Of this model only.")] = None,
) -> Response:
    found = listing.predictions(session, principal.tenant_id, window, model_id=model)
    return paging.page(request, [(one.id, _page(one)) for one in found], window.limit)


@router.get(
    "/predictions/{prediction_id}",
    operation_id="get_batch_prediction",
    response_model=BatchPrediction,
    responses=documented.problems(*documented.READ) | documented.NOT_MODIFIED,
)
def get_batch_prediction(
    request: Request, principal: Reading, session: Database, prediction_id: PredictionId
) -> Response:
    found = owned.find(session, tables.Prediction, principal.tenant_id, prediction_id)
    headers = {"Retry-After": "1"} if found.status in ledger.LIVE else {}
    return answers.one(request, _page(found), headers=headers)


@router.delete(
    "/predictions/{prediction_id}",
    status_code=204,
    response_class=Response,
    operation_id="delete_batch_prediction",
    responses=documented.problems(*documented.REMOVE),
)
def delete_batch_prediction(
    request: Request, principal: Writing, session: Database, prediction_id: PredictionId
) -> Response:
    """Delete a batch prediction with its rows. One that is queued or running ends without a webhook event."""
    found = owned.find(session, tables.Prediction, principal.tenant_id, prediction_id, lock=True)
    answers.require_match(request, lambda: answers.entity_tag(answers.encode(_page(found))))
    prefixes = ledger.delete(session, principal.tenant_id, prediction_id)
    session.commit()
    return forget(prefixes)


@router.get(
    "/predictions/{prediction_id}/rows",
    operation_id="download_batch_prediction",
    response_class=Response,
    responses={
        200: {"content": dict.fromkeys(_MEDIA_TYPES.values(), _FILE)},
        206: {"description": "A range of the Parquet file."},
        302: {"description": "The Parquet file lies at this presigned URL."},
        **documented.problems(*documented.READ, 409, 416),
        **documented.NOT_MODIFIED,
    },
)
def download_batch_prediction(
    request: Request,
    principal: Reading,
    session: Database,
    prediction_id: PredictionId,
    format: Annotated[  # noqa: A002 - the query's name
        Literal["parquet", "csv", "ndjson"],
        Query(description="In CSV the lists of masks and boxes are JSON in a cell."),
    ] = "parquet",
) -> Response:
    """Download a row an image: its index and name in the dataset, its label, what was predicted, the probability."""
    found = owned.find(session, tables.Prediction, principal.tenant_id, prediction_id)
    if found.object_key is None or found.bytes is None or found.sha256 is None:
        raise RowsNotReady(f"The prediction is {found.status}. There are rows once it has succeeded.")
    name = f"{found.id}.{format}"
    file = downloads.File(found.object_key, found.bytes, found.sha256, name, _MEDIA_TYPES[format])
    if format == "parquet":
        return downloads.answer(request, file)
    session.rollback()  # a slow reader holds no connection
    table = rows.read(file.key)
    lines = files.csv_lines(table) if format == "csv" else files.json_lines(table)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-cache"}
    return StreamingResponse(lines, media_type=file.media_type, headers=headers)


def _page(row: tables.Prediction) -> BatchPrediction:
    path = f"/v1/predictions/{row.id}"
    return BatchPrediction(
        id=row.id,
        model_id=row.model_id,
        dataset_version_id=row.dataset_version_id,
        status=row.status,
        images=row.images,
        bytes=row.bytes,
        sha256=row.sha256,
        error=row.error,
        created_at=row.created_at,
        finished_at=row.finished_at,
        links={"self": path, "rows": f"{path}/rows", "model": f"/v1/models/{row.model_id}"},
    )
