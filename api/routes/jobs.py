"""Jobs: check, submit, look, and the verbs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Body, Query, Request, Response
from sqlalchemy.orm import Session

from api.identity.authentication import Reading, Writing, require
from api.live.job_pages import JobPages, render
from api.routes import documented
from api.schemas import jobs as schema
from api.schemas.described import Described
from api.schemas.jobs import CheckedSpec, Job, ListedJob
from api.wire import answers, paging
from api.wire.bodies import JsonRoute
from api.wire.paging import InOrder, Page
from api.wire.path_ids import JobId, is_job_id
from api.writes.idempotency import Once, OneTime
from api.writes.removal import forget
from api.writes.transactions import Database
from contract.specs import Estimate, JobSpec
from core import listing, queue, tables
from core.database import owned
from core.errors import Invalid, NotFound
from core.jobs import choosing, requests, views
from core.tables.states import Status

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=JsonRoute)

SpecBody = Annotated[dict[str, Any], Described(JobSpec), Body(openapi_examples=schema.SPEC_EXAMPLES)]
Changes = Annotated[dict[str, Any] | None, Body(description="Fields of the spec to change.", examples=[{"seed": 1}])]
_STATUS = "|".join(get_args(Status))
Statuses = Annotated[
    str | None, Query(description="Only these statuses, separated by commas.", pattern=rf"^({_STATUS})(,({_STATUS}))*$")
]
Labels = Annotated[list[str], Query(alias="label", description="Only with this label, `key:value`.", max_length=16)]
Text = Annotated[str | None, Query(max_length=64)]
Name = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="Only jobs whose name begins with this, in upper or lower case.",
    ),
]
DatasetFilter = Annotated[
    str | None,
    Query(
        max_length=220,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="A dataset or version: ds_..., dsv_..., `NAME` or `NAME@2`.",
    ),
]
_PROBLEMS = documented.problems(*documented.WRITE)


@router.get(
    "/{job_id}",  # noqa: FAST003 - read from the request below
    operation_id="get_job",
    openapi_extra={
        "parameters": [{"name": "job_id", "in": "path", "required": True, "schema": {"type": "string"}}],
    },
    response_model=Job,
    responses=documented.problems(*documented.READ) | documented.NOT_MODIFIED,
)
async def get_job(request: Request) -> Response:
    """Read a job. Poll as often as `Retry-After` says; an unchanged job is 304."""
    # Without FastAPI's dependencies, which cost more than all else that a poll does.
    principal = require(request.scope, "read")
    job_id = request.path_params["job_id"]
    if not is_job_id(job_id):
        raise NotFound.by(job_id)
    kept: JobPages = request.app.state.job_pages
    job = await kept.find(principal.tenant_id, job_id)
    if answers.matches(request.headers.get("if-none-match"), job.tag):
        return Response(status_code=304, headers=job.headers)
    return answers.json(200, job.body, headers=job.headers)


@router.get(
    "", operation_id="list_jobs", response_model=Page[ListedJob], responses=documented.problems(*documented.LIST)
)
def list_jobs(  # noqa: PLR0913 - one parameter a filter
    request: Request,
    principal: Reading,
    session: Database,
    window: InOrder,
    *,
    status: Statuses = None,
    dataset: DatasetFilter = None,
    comparison: Text = None,
    sweep: Text = None,
    name: Name = None,
    label: Labels = [],  # noqa: B006 - FastAPI copies it
    view: Annotated[
        Literal["light", "full"], Query(description="With full: `spec`, `resolved` and `chosen`, as of one job.")
    ] = "light",
) -> Response:
    """List jobs, filtered by status, dataset or version, comparison, sweep, name, or labels."""
    wanted = listing.JobFilter(
        statuses=status.split(",") if status else (),
        dataset=dataset,
        comparison=comparison,
        sweep=sweep,
        name=name,
        labels=_labels(label),
    )
    light = view == "light"
    found = listing.jobs(session, principal.tenant_id, window, wanted, light=light)
    render_row = schema.listed if light else schema.page
    return paging.page(request, [(row["id"], render_row(row)) for row in found], window.limit)


@router.post(
    "/validate",
    operation_id="validate_job",
    response_model=CheckedSpec,
    responses=documented.problems(*documented.WRITE),
)
def validate_job(principal: Writing, once: OneTime, session: Database, spec: SpecBody) -> Response:
    """Show what would run, with every default filled in, and warnings. Creates nothing."""
    asked, chosen = choosing.read(session, principal.tenant_id, spec)
    resolved, version, warnings = requests.check(session, principal.tenant_id, asked)
    checked = CheckedSpec(
        chosen=chosen,
        resolved=resolved.model_dump(mode="json"),
        warnings=warnings,
        dataset_id=version.dataset_id,
        dataset_version_id=version.id,
    )
    answer = once.answer(200, checked)
    session.commit()
    return answer


@router.post(
    "/estimate",
    operation_id="estimate_job",
    response_model=Estimate,
    responses=documented.problems(*documented.WRITE),
)
def estimate_job(principal: Writing, once: OneTime, session: Database, spec: SpecBody) -> Response:
    """Estimate time and memory of a training, with the basis of the estimate. Creates nothing."""
    submission = choosing.read(session, principal.tenant_id, spec)
    answer = once.answer(200, choosing.estimated(session, principal.tenant_id, submission))
    session.commit()
    return answer


@router.post("", status_code=202, operation_id="create_job", response_model=Job, responses=_PROBLEMS)
def create_job(principal: Writing, once: OneTime, session: Database, spec: SpecBody) -> Response:
    """Submit a training. It waits in the queue until a worker takes it."""
    job = requests.submit(session, principal.tenant_id, *choosing.read(session, principal.tenant_id, spec))
    answer = _answer(session, once, 202, job)
    session.commit()
    queue.ring("worker.train", job.id)
    return answer


@router.post("/{job_id}/cancel", operation_id="cancel_job", response_model=Job, responses=_PROBLEMS)
def cancel_job(principal: Writing, once: OneTime, session: Database, job_id: JobId) -> Response:
    """Cancel a job. A running one saves a checkpoint first, within seconds."""
    return _ask(requests.cancel, principal.tenant_id, session, once, job_id)


@router.post("/{job_id}/pause", operation_id="pause_job", response_model=Job, responses=_PROBLEMS)
def pause_job(principal: Writing, once: OneTime, session: Database, job_id: JobId) -> Response:
    """Pause a job at a checkpoint, to be resumed later."""
    return _ask(requests.pause, principal.tenant_id, session, once, job_id)


@router.post("/{job_id}/resume", operation_id="resume_job", response_model=Job, responses=_PROBLEMS)
def resume_job(principal: Writing, once: OneTime, session: Database, job_id: JobId) -> Response:
    """Resume a paused, failed or cancelled job from its newest checkpoint."""
    answer = _ask(requests.resume, principal.tenant_id, session, once, job_id)
    queue.ring("worker.train", job_id)
    return answer


@router.post("/{job_id}/retry", operation_id="retry_job", response_model=Job, responses=_PROBLEMS)
def retry_job(principal: Writing, once: OneTime, session: Database, job_id: JobId) -> Response:
    """Run a failed or cancelled job again from the beginning. Its checkpoints are deleted, pinned ones too."""
    answer = _ask(requests.retry, principal.tenant_id, session, once, job_id)
    queue.ring("worker.train", job_id)
    return answer


@router.post("/{job_id}/clone", status_code=202, operation_id="clone_job", response_model=Job, responses=_PROBLEMS)
def clone_job(principal: Writing, once: OneTime, session: Database, job_id: JobId, changes: Changes = None) -> Response:
    """Create a job like this one, with changes."""
    spec = requests.clone(session, principal.tenant_id, job_id, changes or {})
    job = requests.submit(session, principal.tenant_id, *choosing.read(session, principal.tenant_id, spec))
    answer = _answer(session, once, 202, job)
    session.commit()
    queue.ring("worker.train", job.id)
    return answer


@router.delete(
    "/{job_id}",
    status_code=204,
    response_class=Response,
    operation_id="delete_job",
    responses=documented.problems(*documented.REMOVE),
)
def delete_job(request: Request, principal: Writing, session: Database, job_id: JobId) -> Response:
    """Delete a job that has ended, with its model, exports and checkpoints."""
    owned.find(session, tables.Job, principal.tenant_id, job_id, lock=True)
    answers.require_match(request, lambda: render(*views.read(session, [job_id])).tag)
    prefixes = requests.delete(session, principal.tenant_id, job_id)
    session.commit()
    return forget(prefixes)


def _ask(
    verb: Callable[[Session, str, str], tables.Job], tenant_id: str, session: Session, once: Once, job_id: str
) -> Response:
    job = verb(session, tenant_id, job_id)
    answer = _answer(session, once, 200, job)
    session.commit()
    return answer


def _answer(session: Session, once: Once, status: int, job: tables.Job) -> Response:
    page = render(*views.read(session, [job.id]))
    location = {"Location": f"/v1/jobs/{job.id}"} if status == 202 else {}
    return once.answer(status, page.body, headers=page.headers | location)


def _labels(given: list[str]) -> dict[str, str]:
    pairs = [item.partition(":") for item in given]
    if any(not separator or "\0" in key + value for key, separator, value in pairs):
        raise Invalid("Write `label=KEY:VALUE`.", pointer="#query/label")
    return {key: value for key, _, value in pairs}
