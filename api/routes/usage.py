"""What a tenant's jobs used: totals by day, project and kind of device, as JSON or CSV."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from api.identity.authentication import Reading
from api.routes import documented
from api.schemas.usage import UsageReport
from api.wire import answers
from api.wire.bodies import JsonRoute
from api.writes.transactions import Database
from core.jobs import usage_totals

router = APIRouter(prefix="/v1/usage", tags=["usage"], route_class=JsonRoute)
_CSV = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}


@router.get(
    "",
    operation_id="get_usage",
    response_model=UsageReport,
    responses=_CSV | documented.problems(*documented.READ) | documented.NOT_MODIFIED,
)
def get_usage(
    request: Request,
    principal: Reading,
    session: Database,
    *,
    since: Annotated[date | None, Query(alias="from", description="First day, in UTC. Default: 30 days back.")] = None,
    until: Annotated[date | None, Query(alias="to", description="The day after the last. Default: tomorrow.")] = None,
    group: Annotated[
        str, Query(max_length=100, description="Of day, project, device, separated by commas; empty: one total.")
    ] = "day",
    format: Annotated[Literal["json", "csv"], Query()] = "json",  # noqa: A002 - the query's name
) -> Response:
    """Sum what jobs used. An attempt counts on the day it ended, and stays when its job is deleted."""
    by, (since, until) = usage_totals.groups(group), usage_totals.period(since, until)
    rows, total = usage_totals.read(session, principal.tenant_id, (since, until), by)
    if format == "csv":
        name = f"usage-{since}-{until}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(usage_totals.as_csv(rows, by), headers=headers, media_type="text/csv")
    told = {"from": since, "to": until, "group": list(by), "data": rows, "total": total}
    return answers.one(request, UsageReport.model_validate(told).model_dump(mode="json", by_alias=True))
