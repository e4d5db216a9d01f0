"""Jobs: check, submit, look, and the verbs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response
from sqlalchemy.orm import Session

from api import answers
from api.authentication import Reading, Writing
from api.bodies import JsonRoute
from api.idempotency import Once, OneTime
from api.job_pages import JobPages, render
from api.path_ids import JobId
from api.routes import documented
from api.schemas.jobs import AsJobSpec, Job
from api.sessions import Database
from core import queue
from core.errors import NotFound
from core.jobs import pages, requests
from core.spec import parse

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=JsonRoute)
SpecBody = Annotated[dict[str, Any], AsJobSpec(), Body(openapi_examples={})]


@router.get(
    "/{job_id}",
    operation_id="get_job",
    response_model=Job,
    responses=documented.problems(*documented.READ) | documented.NOT_MODIFIED,
)
async def get_job(request: Request, principal: Reading, job_id: JobId) -> Response:
    """One job, for pollers: `Retry-After` is the cadence, and an unchanged job is 304."""
    kept: JobPages = request.app.state.job_pages
    job = await kept.batcher.load(job_id)
    if job is None or job.tenant_id != principal.tenant_id:
        raise NotFound
    if answers.matches(request.headers.get("if-none-match"), job.tag):
        return Response(status_code=304, headers=job.headers)
    return answers.json(200, job.body, headers=job.headers)


@router.post(
    "", status_code=202, operation_id="create_job", response_model=Job, responses=documented.problems(*documented.WRITE)
)
def create_job(principal: Writing, once: OneTime, session: Database, spec: SpecBody) -> Response:
    """Submit a training. It waits in the queue until a worker takes it."""
    job = requests.submit(session, principal.tenant_id, parse(spec))
    answer = _answer(session, once, 202, job.id)
    session.commit()
    queue.ring("worker.train", job.id)
    return answer


def _answer(session: Session, once: Once, status: int, job_id: str) -> Response:
    (row,) = pages.read(session, [job_id])
    job = render(row)
    location = {"Location": f"/v1/jobs/{job_id}"} if status == 202 else {}
    return once.answer(status, job.body, headers=job.headers | location)
