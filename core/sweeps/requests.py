"""What a customer may do with a sweep: submit, look, cancel, delete. Nothing here commits."""

from functools import partial
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from contract.pack.manifest import PackManifest
from contract.specs import SpecInvalid
from contract.tasks import TERMS
from core.database import owned
from core.datasets.references import ready_version
from core.errors import Conflict, InvalidTransition
from core.ids import new_id
from core.jobs import choosing, deletion
from core.sweeps import ledger
from core.sweeps.feasibility import sweep_violations
from core.sweeps.spec import SweepSpec, parse_sweep
from core.tables import DatasetVersion, Job, Sweep
from core.tables.states import TERMINAL
from core.webhooks import outbox
from core.weights import resolving

BY_REQUEST = "the sweep was cancelled"


class SweepUnfinished(Conflict):
    """The sweep or one of its jobs has not ended. Cancel the sweep, or wait."""


def submit(session: Session, tenant_id: str, body: dict[str, Any]) -> Sweep:
    """A running sweep, whose driver asks for its first trials soon. Raises SpecInvalid, Invalid, DatasetNotReady."""
    asked = parse_sweep(body)
    version = ready_version(session, tenant_id, asked.dataset)
    manifest = PackManifest.model_validate(version.manifest)
    resolve = partial(resolving.resolve, session, tenant_id)
    if found := sweep_violations(asked, manifest, resolve=resolve):
        raise SpecInvalid(found)
    asked = _with_recipe(session, asked, version)
    if found := sweep_violations(asked, manifest, resolve=resolve):
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
    outbox.announce(session, sweep, "sweep.created")
    return sweep


def _with_recipe(session: Session, asked: SweepSpec, version: DatasetVersion) -> SweepSpec:
    """Over the default recipe where none is named, but for the method where its settings are searched."""
    whole = choosing.base(session, version.tenant_id, asked.spec, version)
    if "method" not in asked.spec and any(path.startswith("method.") for path in asked.space):
        whole.pop("method", None)
    return asked.model_copy(update={"spec": whole})


def cancel(session: Session, tenant_id: str, sweep_id: str) -> Sweep:
    """End the sweep now, and ask for the end of its jobs; running ones save a checkpoint first."""
    sweep = owned.find(session, Sweep, tenant_id, sweep_id, lock=True)
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
    outbox.announce(session, sweep)
    session.refresh(sweep)
    return sweep


def delete(session: Session, tenant_id: str, sweep_id: str, *, with_jobs: bool) -> list[str]:
    """Remove a sweep that is over with its jobs; gives the object prefixes to delete after the commit.

    The jobs stay as jobs of their own, unless they are to go with it. Raises SweepUnfinished.
    """
    sweep = owned.find(session, Sweep, tenant_id, sweep_id, lock=True)
    rows = session.execute(select(Job.id, Job.status).where(Job.sweep_id == sweep_id).order_by(Job.id)).all()
    if sweep.status == "running" or any(status not in TERMINAL for _, status in rows):
        raise SweepUnfinished
    session.execute(update(Job).where(Job.sweep_id == sweep_id).values(sweep_id=None))
    prefixes = deletion.delete_all(session, tenant_id, [job_id for job_id, _ in rows]) if with_jobs else []
    session.delete(sweep)
    return prefixes
