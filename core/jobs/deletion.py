"""Jobs that go, with all that hangs on them: one statement a table, however many jobs they are."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.errors import InUse
from core.exports import aliases
from core.tables import Export, Job, Model, Prediction
from core.tables.states import TERMINAL, require


def delete_all(session: Session, tenant_id: str, job_ids: Sequence[str]) -> list[str]:
    """Remove terminal jobs, their models and files; gives the object prefixes to delete after the commit.

    Raises InvalidTransition where one is not terminal, InUse while one of the models teaches a job or has an alias.
    """
    # By id: two that delete overlapping sets wait for each other instead of locking each other out.
    jobs = select(Job).where(Job.id.in_(job_ids), Job.tenant_id == tenant_id).order_by(Job.id).with_for_update()
    for job in session.scalars(jobs):
        require("delete", job.status)
    # Locked before pupils are looked for: whoever submits one meanwhile waits, and finds no teacher.
    models = select(Model.id).where(Model.job_id.in_(job_ids)).order_by(Model.id).with_for_update()
    model_ids = session.scalars(models).all()
    _require_no_pupils(session, tenant_id, model_ids)
    aliases.require_unnamed(session, model_ids)
    session.flush()
    exports = delete(Export).where(Export.model_id.in_(model_ids)).returning(Export.id)
    export_ids = sorted(session.scalars(exports))
    predictions = delete(Prediction).where(Prediction.model_id.in_(model_ids)).returning(Prediction.id)
    prediction_ids = sorted(session.scalars(predictions))
    session.execute(delete(Model).where(Model.id.in_(model_ids)))
    # Attempts, events, metrics and checkpoints go by their foreign keys' ON DELETE CASCADE.
    session.execute(delete(Job).where(Job.id.in_(job_ids), Job.tenant_id == tenant_id))
    return [
        *(f"jobs/{job_id}/" for job_id in job_ids),
        *(f"exports/{export_id}/" for export_id in export_ids),
        *(f"predictions/{prediction_id}/" for prediction_id in prediction_ids),
    ]


def _require_no_pupils(session: Session, tenant_id: str, model_ids: Sequence[str]) -> None:
    if not model_ids:
        return
    needed = {
        "as its teacher": Job.resolved["method"]["teacher"].astext,
        "as pretrained weights": Job.resolved["model"]["pretrained"].astext,
        "as its backbone": Job.resolved["model"]["backbone_from"].astext,  # as release 0.1 stored it
    }
    for use, of_job in needed.items():
        live = select(Job.id, of_job).where(
            Job.tenant_id == tenant_id, Job.status.not_in(TERMINAL), of_job.in_(model_ids)
        )
        pupil = session.execute(live.limit(1)).one_or_none()
        if pupil is not None:
            raise InUse(f"Job {pupil[0]} needs model {pupil[1]} {use}. Cancel that job or wait for its end.")
