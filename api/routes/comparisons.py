"""Comparisons: methods against a control, fanned out into jobs; their table in four formats."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query, Request, Response
from sqlalchemy.orm import Session

from api.identity.authentication import Reading, Writing
from api.routes import documented
from api.schemas import comparisons as schema
from api.schemas.comparisons import Comparison, ComparisonSummary
from api.schemas.described import Described
from api.wire import answers, paging
from api.wire.bodies import JsonRoute
from api.wire.paging import InOrder, Page
from api.wire.path_ids import ComparisonId
from api.writes.idempotency import OneTime
from api.writes.removal import forget
from api.writes.transactions import Database
from core import listing, queue, tables
from core.comparisons import plot, rendering, requests, trials
from core.comparisons.spec import ComparisonSpec, parse
from core.comparisons.table import ComparisonTable, build
from core.database import owned
from core.tables.states import TERMINAL

router = APIRouter(prefix="/v1/comparisons", tags=["comparisons"], route_class=JsonRoute)

Asked = Annotated[dict[str, Any], Described(ComparisonSpec), Body(openapi_examples=schema.EXAMPLES)]
Format = Literal["json", "csv", "markdown", "png"]
_MEDIA_TYPES = {"csv": "text/csv", "markdown": "text/markdown", "png": "image/png"}
_SUFFIXES = {"csv": "csv", "markdown": "md", "png": "png"}
_GET = documented.problems(*documented.READ) | documented.NOT_MODIFIED
_POLL_SECONDS = "2"


@router.post(
    "",
    status_code=202,
    operation_id="create_comparison",
    response_model=Comparison,
    responses=documented.problems(*documented.WRITE),
)
def create_comparison(principal: Writing, once: OneTime, session: Database, asked: Asked) -> Response:
    """Train each method with each seed, one job each. Nothing is created unless all of them can run."""
    comparison, job_ids = requests.submit(session, principal.tenant_id, parse(asked))
    location = {"Location": f"/v1/comparisons/{comparison.id}", "Retry-After": _POLL_SECONDS}
    answer = once.answer(202, _page(session, comparison), headers=location)
    session.commit()
    # Stops at the first that fails: then the broker is away, and the sweeper rings for all.
    all(queue.ring("worker.train", job_id) for job_id in job_ids)
    return answer


@router.get(
    "",
    operation_id="list_comparisons",
    response_model=Page[ComparisonSummary],
    responses=documented.problems(*documented.LIST),
)
def list_comparisons(request: Request, principal: Reading, session: Database, window: InOrder) -> Response:
    found = listing.comparisons(session, principal.tenant_id, window)
    counted = trials.counts(session, [row.id for row in found])
    return paging.page(request, [(row.id, schema.summary(row, counted[row.id])) for row in found], window.limit)


@router.get("/{comparison_id}", operation_id="get_comparison", response_model=Comparison, responses=_GET)
def get_comparison(request: Request, principal: Reading, session: Database, comparison_id: ComparisonId) -> Response:
    """Show how far each job is, and the table of those that succeeded so far."""
    page = _page(session, owned.find(session, tables.Comparison, principal.tenant_id, comparison_id))
    is_over = page.counts.keys() <= TERMINAL
    return answers.one(request, page, headers={} if is_over else {"Retry-After": _POLL_SECONDS})


@router.get(
    "/{comparison_id}/table",
    operation_id="get_comparison_table",
    response_model=ComparisonTable,
    responses={
        200: {
            "content": {
                "text/csv": {"schema": {"type": "string"}},
                "text/markdown": {"schema": {"type": "string"}},
                "image/png": {"schema": {"type": "string", "format": "binary"}},
            }
        },
        **_GET,
    },
)
def get_comparison_table(
    request: Request,
    principal: Reading,
    session: Database,
    comparison_id: ComparisonId,
    *,
    format: Annotated[Format, Query()] = "json",  # noqa: A002 - the query's name
) -> Response:
    """Mean, 95 % interval and paired difference to the control, method by method; png is a dot plot of all seeds."""
    comparison = owned.find(session, tables.Comparison, principal.tenant_id, comparison_id)
    table = build(comparison, trials.read(session, comparison_id))
    if format == "json":
        return answers.one(request, table)
    tag = answers.entity_tag(answers.encode(table) + format.encode())
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if answers.matches(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    headers["Content-Disposition"] = f'attachment; filename="{comparison_id}-table.{_SUFFIXES[format]}"'
    session.close()  # a picture takes a while; it needs no connection
    return Response(_rendered(table, format, comparison), headers=headers, media_type=_MEDIA_TYPES[format])


@router.post(
    "/{comparison_id}/cancel",
    operation_id="cancel_comparison",
    response_model=Comparison,
    responses=documented.problems(*documented.WRITE),
)
def cancel_comparison(principal: Writing, once: OneTime, session: Database, comparison_id: ComparisonId) -> Response:
    """Cancel its jobs that have not ended. The table keeps what the others measured."""
    comparison = requests.cancel(session, principal.tenant_id, comparison_id)
    answer = once.answer(200, _page(session, comparison))
    session.commit()
    return answer


@router.delete(
    "/{comparison_id}",
    status_code=204,
    response_class=Response,
    operation_id="delete_comparison",
    responses=documented.problems(*documented.REMOVE),
)
def delete_comparison(
    request: Request,
    principal: Writing,
    session: Database,
    comparison_id: ComparisonId,
    *,
    jobs: Annotated[
        Literal["keep", "delete"],
        Query(description="Whether its jobs are kept or deleted, with their models and files."),
    ] = "keep",
) -> Response:
    """Delete a comparison whose jobs have all ended. The jobs stay, unless `jobs=delete`."""
    comparison = owned.find(session, tables.Comparison, principal.tenant_id, comparison_id, lock=True)
    answers.require_match(request, lambda: answers.entity_tag(answers.encode(_page(session, comparison))))
    prefixes = requests.delete(session, principal.tenant_id, comparison_id, with_jobs=jobs == "delete")
    session.commit()
    return forget(prefixes)


def _page(session: Session, comparison: tables.Comparison) -> Comparison:
    session.flush()
    return schema.page(comparison, trials.read(session, comparison.id))


def _rendered(table: ComparisonTable, format_: Format, comparison: tables.Comparison) -> str | bytes:
    if format_ == "png":
        return plot.as_png(table, comparison.name or comparison.id)
    return rendering.as_csv(table) if format_ == "csv" else rendering.as_markdown(table)
