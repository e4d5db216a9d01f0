"""Which file of a model to take: accuracy, bytes and latency of all of them, as figures or as a picture."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from api.identity.authentication import Reading
from api.routes import documented
from api.wire import answers
from api.wire.bodies import JsonRoute
from api.wire.path_ids import ModelId
from api.writes.transactions import Database
from core import tables
from core.database import owned
from core.pareto import front, plot
from core.pareto.front import Pareto

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=JsonRoute)
_PICTURE = {200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}}


@router.get(
    "/{model_id}/pareto",
    operation_id="get_model_pareto",
    response_model=Pareto,
    responses=_PICTURE | documented.problems(*documented.READ) | documented.NOT_MODIFIED,
)
def get_model_pareto(
    request: Request,
    principal: Reading,
    session: Database,
    model_id: ModelId,
    *,
    format: Annotated[  # noqa: A002 - the query's name
        Literal["json", "png"] | None, Query(description="Default: what `Accept` names first.")
    ] = None,
    device: Annotated[
        str | None, Query(max_length=63, description="Accuracy and latency as profiles measured them on this device.")
    ] = None,
) -> Response:
    """List its exports with measured or estimated values, and those that no other beats; png is a plot."""
    model = owned.find(session, tables.Model, principal.tenant_id, model_id)
    found = front.read(session, model, device)
    if not (format == "png" if format else answers.wants_png(request)):
        return answers.one(request, found, headers={"Vary": "Accept"})
    tag = answers.entity_tag(answers.encode(found) + b"png")
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept"}
    if answers.matches(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    title = f"{model.name}: {model.architecture}"
    session.close()  # a picture takes a while; it needs no connection
    headers["Content-Disposition"] = f'inline; filename="{model_id}-pareto.png"'
    return Response(plot.as_png(found, title), headers=headers, media_type="image/png")
