"""What a customer may do with a sweep: submit, look, cancel. Nothing here commits."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import teachers
from core.datasets import ready_version
from core.errors import InvalidTransition, NotFound
from core.ids import new_id
from core.spec import TERMS, PackManifest, SpecInvalid, parse_sweep, sweep_violations
from core.sweeps import ledger
from core.tables import Sweep

BY_REQUEST = "the sweep was cancelled"


def submit(session: Session, tenant_id: str, body: dict[str, Any]) -> Sweep:
    """A running sweep, whose driver asks for its first trials soon. Raises SpecInvalid, Invalid, DatasetNotReady."""
    asked = parse_sweep(body)
    version = ready_version(session, tenant_id, asked.dataset)
    manifest = PackManifest.model_validate(version.manifest)
    found = sweep_violations(asked, manifest, require=lambda spec: teachers.require(session, tenant_id, spec, manifest))
    if found:
        raise SpecInvalid(found)
    metric = TERMS[manifest.task].validated[0] if asked.metric == "auto" else asked.metric
    sweep = Sweep(
        id=new_id("swp"),
        tenant_id=tenant_id,
        dataset_version_id=version.id,
        name=asked.name,
        spec=asked.model_copy(update={"dataset": version.id, "metric": metric}).model_dump(mode="json"),
        labels=asked.labels,
        status="running",
    )
    session.add(sweep)
    session.flush()
    session.refresh(sweep)
    return sweep


def find(session: Session, tenant_id: str, sweep_id: str, *, lock: bool = False) -> Sweep:
    """Raises NotFound for another tenant's sweep just as for none."""
    statement = select(Sweep).where(Sweep.id == sweep_id, Sweep.tenant_id == tenant_id)
    sweep = session.scalars(statement.with_for_update() if lock else statement).one_or_none()
    if sweep is None:
        raise NotFound
    return sweep


def cancel(session: Session, tenant_id: str, sweep_id: str) -> Sweep:
    """End the sweep now, and ask for the end of its jobs; running ones save a checkpoint first."""
    sweep = find(session, tenant_id, sweep_id, lock=True)
    if sweep.status == "cancelled":
        return sweep
    if sweep.status != "running":
        raise InvalidTransition("cancel", sweep.status, (), what="sweep")
    for trial in ledger.trials(session, sweep):
        if trial.status == "running" and not ledger.settle(session, sweep, trial):
            ledger.stop(session, sweep, trial.job_id, reason=BY_REQUEST)
            ledger.end_trial(trial, "cancelled", reason=BY_REQUEST)
    if sweep.final_job_id is not None:
        ledger.stop(session, sweep, sweep.final_job_id, reason=BY_REQUEST)
    sweep.status = "cancelled"
    sweep.finished_at = sweep.updated_at = func.now()
    session.flush()
    session.refresh(sweep)
    return sweep
