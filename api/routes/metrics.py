"""Training curves, thinned out for a plot or whole for a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from api.identity.authentication import Reading
from api.routes import documented
from api.schemas.metrics import Metrics, Point, Series, finite
from api.wire import answers
from api.wire.bodies import JsonRoute
from api.wire.path_ids import JobId
from api.writes.transactions import Database
from core import tables
from core.database import owned
from core.database.database import transaction
from core.jobs import curves
from core.tables import JobMetric

router = APIRouter(prefix="/v1/jobs/{job_id}/metrics", tags=["metrics"], route_class=JsonRoute)

DEFAULT_POINTS = 500


@router.get(
    "",
    operation_id="get_job_metrics",
    response_model=Metrics,
    responses={
        200: {"content": {"text/csv": {"schema": {"type": "string"}}, "application/x-ndjson": {}}},
        **documented.problems(*documented.READ),
        **documented.NOT_MODIFIED,
    },
)
def get_job_metrics(
    request: Request,
    principal: Reading,
    session: Database,
    job_id: JobId,
    *,
    keys: Annotated[
        str | None, Query(max_length=2000, description="Curves, separated by commas. Default: all.")
    ] = None,
    max_points: Annotated[
        int | None, Query(ge=1, le=100_000, description="Most points of each curve; the last point is kept.")
    ] = None,
    format: Annotated[Literal["json", "csv", "ndjson"], Query()] = "json",  # noqa: A002 - the query's name
) -> Response:
    """Curves of at most `max_points` points (500 for JSON). csv and ndjson give all points where it is not set."""
    owned.find(session, tables.Job, principal.tenant_id, job_id)
    known = curves.keys(session, job_id)
    wanted = [key for key in known if keys is None or key in keys.split(",")]
    if format != "json" and max_points is None:
        chunks = _all_points(job_id, wanted)
    else:
        kept = {key: curves.series(session, job_id, key, max_points=max_points or DEFAULT_POINTS) for key in wanted}
        if format == "json":
            return answers.one(request, _curves(kept))
        chunks = iter(kept.values())
    lines = _csv(chunks) if format == "csv" else _ndjson(chunks)
    media_type = "text/csv" if format == "csv" else "application/x-ndjson"
    name = f"{job_id}-metrics.{format}"
    return StreamingResponse(
        lines, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _curves(kept: dict[str, list[JobMetric]]) -> Metrics:
    series = [
        Series(key=key, points=[Point(step=p.step, epoch=p.epoch, value=finite(p.value)) for p in points])
        for key, points in kept.items()
    ]
    return Metrics(object="list", data=series)


def _all_points(job_id: str, keys: Sequence[str]) -> Iterator[list[JobMetric]]:
    """Read in short transactions: a slow reader holds no connection."""
    after = ("", -1)
    while True:
        with transaction() as session:
            chunk = curves.chunk(session, job_id, keys, after)
        yield chunk
        if len(chunk) < curves.CHUNK_POINTS:
            return
        after = (chunk[-1].key, chunk[-1].step)


def _csv(chunks: Iterator[list[JobMetric]]) -> Iterator[str]:
    """A chunk at once: each piece that is yielded costs a change of threads."""
    yield "key,step,epoch,value,at\n"
    for points in chunks:
        yield "".join(f"{p.key},{p.step},{p.epoch},{p.value!r},{p.at.isoformat()}\n" for p in points)


def _ndjson(chunks: Iterator[list[JobMetric]]) -> Iterator[bytes]:
    for points in chunks:
        yield b"".join(orjson.dumps(_line(p), option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z) for p in points)


def _line(p: JobMetric) -> dict[str, object]:
    return {"key": p.key, "step": p.step, "epoch": p.epoch, "value": finite(p.value), "at": p.at}
