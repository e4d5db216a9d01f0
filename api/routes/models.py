"""Trained models and their model cards."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from api.identity.authentication import Reading, Writing
from api.routes import documented
from api.routes.exports import page as export_page
from api.schemas.models import Export, Headline, Model, SuspectedLabel, SuspectedLabels
from api.wire import answers, downloads, paging
from api.wire.bodies import JsonRoute
from api.wire.paging import InOrder, Page
from api.wire.path_ids import ModelId
from api.writes.idempotency import OneTime
from api.writes.transactions import Database
from contract.results import headline
from contract.results.evaluation import Evaluation
from contract.results.evaluation import SuspectedLabel as Suspected
from contract.results.selection import published_arm
from contract.specs import ExportSpec
from core import listing, queue, tables
from core.database import owned
from core.errors import NotFound
from core.exports import ledger as exports

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=JsonRoute)
_GET = documented.problems(*documented.READ) | documented.NOT_MODIFIED


class NotLookedFor(NotFound):
    """No labels were checked: the model is no classifier, or an older release published it."""


class NoReport(NotFound):
    """The model was published before there were reports; its figures are in its card. Train again for a report."""


@router.get("", operation_id="list_models", response_model=Page[Model], responses=documented.problems(*documented.LIST))
def list_models(request: Request, principal: Reading, session: Database, window: InOrder) -> Response:
    found = listing.models(session, principal.tenant_id, window)
    return paging.page(request, [(model.id, _model(model)) for model in found], window.limit)


@router.get("/{model_id}", operation_id="get_model", response_model=Model, responses=_GET)
def get_model(request: Request, principal: Reading, session: Database, model_id: ModelId) -> Response:
    return answers.one(request, _model(owned.find(session, tables.Model, principal.tenant_id, model_id)))


@router.get(
    "/{model_id}/card",
    operation_id="get_model_card",
    response_class=Response,
    responses={200: {"content": {"text/markdown": {"schema": {"type": "string"}}}}, **_GET},
)
def get_model_card(request: Request, principal: Reading, session: Database, model_id: ModelId) -> Response:
    """Download the model card as Markdown: what it was trained on, what it can and cannot do."""
    card = owned.find(session, tables.Model, principal.tenant_id, model_id).card.encode()
    headers = {"ETag": answers.entity_tag(card), "Cache-Control": "private, no-cache"}
    if answers.matches(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(card, media_type="text/markdown", headers=headers)


@router.get(
    "/{model_id}/report",
    operation_id="get_model_report",
    response_class=Response,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}, **_GET},
)
def get_model_report(request: Request, principal: Reading, session: Database, model_id: ModelId) -> Response:
    """Download the report: one HTML page with all figures, without scripts or links to other hosts."""
    model = owned.find(session, tables.Model, principal.tenant_id, model_id)
    if model.report_key is None or model.report_bytes is None or model.report_sha256 is None:
        raise NoReport
    name = f"{model.id}-report.html"
    return downloads.page(
        request, downloads.File(model.report_key, model.report_bytes, model.report_sha256, name, "text/html")
    )


@router.get(
    "/{model_id}/weights",
    operation_id="download_model_weights",
    response_class=Response,
    responses=documented.FILE | documented.problems(*documented.READ, 416) | documented.NOT_MODIFIED,
)
def download_model_weights(request: Request, principal: Reading, session: Database, model_id: ModelId) -> Response:
    """Download the trained float weights, a safetensors file. The model card has the lines that open it in torch."""
    model = owned.find(session, tables.Model, principal.tenant_id, model_id)
    name = f"{model.id}.safetensors"
    file = downloads.File(
        model.weights_key, model.weights_bytes, model.weights_sha256, name, "application/octet-stream"
    )
    return downloads.answer(request, file)


@router.get(
    "/{model_id}/suspected-labels",
    operation_id="get_model_suspected_labels",
    response_model=SuspectedLabels,
    responses=_GET,
)
def get_model_suspected_labels(request: Request, principal: Reading, session: Database, model_id: ModelId) -> Response:
    """List labels that the trained classifier contradicts, the most suspect first; up to 100 of each kind."""
    model = owned.find(session, tables.Model, principal.tenant_id, model_id)
    found = Evaluation.model_validate(model.evaluation["main"]).suspected_labels
    if found is None:
        raise NotLookedFor
    version = session.get_one(tables.DatasetVersion, model.dataset_version_id)
    base = f"/v1/datasets/{version.dataset_id}/versions/{version.id}/samples"

    def listed(suspects: list[Suspected]) -> list[SuspectedLabel]:
        return [
            SuspectedLabel(thumbnail_url=f"{base}/{each.index}/thumbnail", **each.model_dump()) for each in suspects
        ]

    return answers.one(
        request,
        SuspectedLabels(
            model_id=model.id,
            dataset_version_id=version.id,
            images=found.images,
            found=found.found,
            held_out=listed(found.held_out),
            train=listed(found.train),
        ),
    )


@router.post(
    "/{model_id}/exports",
    status_code=202,
    operation_id="create_export",
    response_model=Export,
    responses=documented.problems(*documented.WRITE),
)
def create_export(
    principal: Writing, once: OneTime, session: Database, model_id: ModelId, body: ExportSpec
) -> Response:
    """Export another file of this model. It is run and measured before it succeeds."""
    export = exports.submit(session, principal.tenant_id, model_id, body)
    headers = {"Location": f"/v1/exports/{export.id}", "Retry-After": "1"}
    answer = once.answer(202, export_page(export), headers=headers)
    session.commit()
    queue.ring("worker.export", export.id)
    return answer


@router.get(
    "/{model_id}/exports",
    operation_id="list_exports",
    response_model=Page[Export],
    responses=documented.problems(*documented.LIST),
)
def list_exports(
    request: Request, principal: Reading, session: Database, window: InOrder, model_id: ModelId
) -> Response:
    found = listing.exports_of(session, principal.tenant_id, model_id, window)
    return paging.page(request, [(export.id, export_page(export)) for export in found], window.limit)


def _headline(held_out: dict[str, Any]) -> Headline:
    [(metric, value)] = headline.headline_of(held_out).items()
    return Headline.model_validate({"metric": metric, "value": value})


def _model(row: tables.Model) -> Model:
    published = row.evaluation[published_arm(row.evaluation)]
    held_out = published["splits"].get(published["evaluation_split"])
    path = f"/v1/models/{row.id}"
    return Model(
        id=row.id,
        job_id=row.job_id,
        dataset_version_id=row.dataset_version_id,
        name=row.name,
        task=row.task,
        architecture=row.architecture,
        method=row.method,
        parameters=row.parameters,
        macs=row.macs,
        headline=_headline(held_out) if held_out else None,
        **{name: (held_out or {}).get(name) for name in ("top1_accuracy", "mean_iou", "ap", "ap50")},
        evaluation_split=published["evaluation_split"],
        selection=row.evaluation["main"].get("selection"),
        weights={"bytes": row.weights_bytes, "sha256": row.weights_sha256},
        report={"bytes": row.report_bytes, "sha256": row.report_sha256} if row.report_key else None,
        created_at=row.created_at,
        links={
            "self": path,
            "card": f"{path}/card",
            "weights": f"{path}/weights",
            **({"report": f"{path}/report"} if row.report_key else {}),
            **({"predictions": f"{path}/predictions"} if row.predictions_key else {}),
            "exports": f"{path}/exports",
            "pareto": f"{path}/pareto",
            "job": f"/v1/jobs/{row.job_id}",
            "evaluation": f"/v1/jobs/{row.job_id}/evaluation",
        },
    )
