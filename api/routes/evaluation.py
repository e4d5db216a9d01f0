"""What a job measured on held-out images."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from api.identity.authentication import Reading
from api.routes import documented
from api.schemas.models import Difference, JobEvaluation, JobTeacher
from api.wire import answers
from api.wire.bodies import JsonRoute
from api.wire.path_ids import JobId
from api.writes.transactions import Database
from contract.results.evaluation import AnySplit, Evaluation
from contract.results.selection import published_arm
from contract.tasks import TERMS
from core import tables
from core.database import owned
from core.errors import NotFound
from core.tables import Job

router = APIRouter(prefix="/v1/jobs/{job_id}/evaluation", tags=["evaluation"], route_class=JsonRoute)


class NotEvaluated(NotFound):
    """The job has no evaluation. There is one once its status is succeeded."""


@router.get(
    "",
    operation_id="get_job_evaluation",
    response_model=JobEvaluation,
    responses=documented.problems(*documented.READ) | documented.NOT_MODIFIED,
)
def get_job_evaluation(request: Request, principal: Reading, session: Database, job_id: JobId) -> Response:
    """Read the figures per split and class, with confusion, calibration and 95 % intervals, also of a control."""
    job = owned.find(session, tables.Job, principal.tenant_id, job_id)
    if job.model_id is None:
        raise NotEvaluated
    arms = owned.find(session, tables.Model, principal.tenant_id, job.model_id).evaluation
    main = Evaluation.model_validate(arms["main"])
    control = Evaluation.model_validate(arms["control"]) if "control" in arms else None
    return answers.one(
        request,
        JobEvaluation(
            job_id=job.id,
            model_id=job.model_id,
            teacher=_teacher(session, job),
            main=main,
            control=control,
            difference=_difference(main, control) if control else None,
            selection=main.selection,
        ),
    )


def _teacher(session: Session, job: Job) -> JobTeacher | None:
    model_id = job.resolved["method"].get("teacher")
    if model_id is None:
        return None
    try:
        model = owned.find(session, tables.Model, job.tenant_id, model_id)
    except NotFound:  # deleted since
        return JobTeacher(model_id=model_id, method=None, images_seen=None)
    seen = model.evaluation[published_arm(model.evaluation)]["images_seen"]
    return JobTeacher(model_id=model_id, method=model.method, images_seen=seen)


def _difference(main: Evaluation, control: Evaluation) -> Difference | None:
    split = main.evaluation_split
    ours, theirs = main.splits.get(split), control.splits.get(split)
    if ours is None or theirs is None:
        return None
    metric = TERMS[ours.task].headline
    found = {name: _minus(ours, theirs, name) for name in (metric, "top1_accuracy", "nll", "ece")}
    return Difference.model_validate({"split": split, "metric": metric, "headline": found[metric], **found})


def _minus(ours: AnySplit, theirs: AnySplit, name: str) -> float | None:
    mine, other = getattr(ours, name, None), getattr(theirs, name, None)
    return mine - other if mine is not None and other is not None else None
