"""The signed receipt of a job."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.identity.authentication import Reading
from api.routes import documented
from api.schemas.receipts import Receipt
from api.wire import answers
from api.wire.bodies import JsonRoute
from api.wire.path_ids import JobId
from api.writes.transactions import Database
from core import tables
from core.database import owned
from core.errors import NotFound

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=JsonRoute)


class NoReceipt(NotFound):
    """A job gets its receipt when it succeeds. Jobs that an older release published have none."""


@router.get(
    "/{job_id}/receipt",
    operation_id="get_job_receipt",
    response_model=Receipt,
    responses=documented.problems(*documented.READ) | documented.NOT_MODIFIED,
)
def get_job_receipt(request: Request, principal: Reading, session: Database, job_id: JobId) -> Response:
    """Read the receipt of a job: spec, dataset digest, code, environment, seed and the sha256 of all it made.

    A DSSE envelope, signed by the key of `/v1/signing_key` where the service signs. The bytes never change.
    """
    job = owned.find(session, tables.Job, principal.tenant_id, job_id)
    receipt = session.get_one(tables.Model, job.model_id).receipt if job.model_id else None
    if receipt is None:
        raise NoReceipt
    return answers.one(request, receipt)
