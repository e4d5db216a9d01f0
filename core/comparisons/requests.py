"""What a customer may do with a comparison: submit, look, cancel, delete. The route commits, then rings."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from contract.specs import SpecInvalid, Violation
from core.accounts import quotas
from core.comparisons import contenders
from core.comparisons.contenders import Contender
from core.comparisons.spec import ComparisonSpec
from core.database import owned
from core.datasets.references import as_stored, ready_version
from core.errors import Conflict, Invalid
from core.ids import new_id
from core.jobs import choosing, deletion
from core.jobs import requests as jobs
from core.jobs.requests import Checked
from core.tables import Comparison, DatasetVersion, Job
from core.tables.states import TERMINAL
from core.webhooks import outbox


class ComparisonUnfinished(Conflict):
    """Some of its jobs have not ended. Cancel the comparison, or wait."""


def submit(session: Session, tenant_id: str, asked: ComparisonSpec) -> tuple[Comparison, list[str]]:
    """The comparison and the ids of its queued jobs.

    Raises SpecInvalid with all that is wrong, DatasetNotReady, or QuotaExceeded where not all of them may wait.
    """
    quotas.hold(session, tenant_id)
    asked, checked = _check(session, tenant_id, asked)
    quotas.require_queue(session, tenant_id, more=len(checked) * len(asked.seeds))
    _, version, _ = checked[0][1]
    comparison = Comparison(
        id=new_id("cmp"),
        tenant_id=tenant_id,
        dataset_id=version.dataset_id,
        dataset_version_id=version.id,
        name=asked.name,
        spec=asked.spec,
        methods=[_as_row(one) for one, _ in checked],
        seeds=list(asked.seeds),
        budget=asked.budget,
        labels=asked.labels,
    )
    session.add(comparison)
    session.flush()
    # Seed by seed: whenever one looks, what is finished can be paired.
    ids = [_enqueue(session, comparison, seed, index, one) for seed in asked.seeds for index, one in enumerate(checked)]
    session.refresh(comparison)
    outbox.announce(session, comparison)
    return comparison, ids


def cancel(session: Session, tenant_id: str, comparison_id: str) -> Comparison:
    """Ask for the end of all its jobs that are not over; where all are, there is nothing to do."""
    comparison = owned.find(session, Comparison, tenant_id, comparison_id, lock=True)
    for job_id in _unfinished(session, comparison_id):
        jobs.cancel(session, tenant_id, job_id)
    return comparison


def delete(session: Session, tenant_id: str, comparison_id: str, *, with_jobs: bool) -> list[str]:
    """Remove a comparison whose jobs are all over; gives the object prefixes to delete after the commit.

    Its jobs stay as jobs of their own, unless they are to go with it. Raises ComparisonUnfinished.
    """
    comparison = owned.find(session, Comparison, tenant_id, comparison_id, lock=True)
    if _unfinished(session, comparison_id):
        raise ComparisonUnfinished
    ids = session.scalars(select(Job.id).where(Job.comparison_id == comparison_id).order_by(Job.id)).all()
    prefixes = deletion.delete_all(session, tenant_id, ids) if with_jobs else []
    session.execute(
        update(Job).where(Job.comparison_id == comparison_id).values(comparison_id=None, comparison_method=None)
    )
    session.delete(comparison)
    return prefixes


def _check(
    session: Session, tenant_id: str, asked: ComparisonSpec
) -> tuple[ComparisonSpec, list[tuple[Contender, Checked]]]:
    """Every method against the dataset, the control first; and the comparison with its base spec whole."""
    found, faults = contenders.read(asked)
    try:
        version = ready_version(session, tenant_id, asked.dataset)
    except Invalid as error:
        faults.append(_violation(error))
        found = []
    else:
        if not faults:
            asked = asked.model_copy(update={"dataset": as_stored(asked.dataset, version)})
            asked = _with_recipe(session, asked, version)
            found, faults = contenders.read(asked)
    checked = []
    for one in sorted(found, key=lambda one: not one.is_control):
        try:
            checked.append((one, jobs.check(session, tenant_id, one.spec)))
        except SpecInvalid as error:
            faults += contenders.placed(error.violations, one.place, one.entry)
        except Invalid as error:
            faults += contenders.placed([_violation(error)], one.place, one.entry)
    if faults:
        raise SpecInvalid(contenders.unique(faults))
    return asked, checked


def _with_recipe(session: Session, asked: ComparisonSpec, version: DatasetVersion) -> ComparisonSpec:
    """Over the default recipe where none is named; its method and its files are none of a comparison's."""
    whole = choosing.base(session, version.tenant_id, asked.spec, version)
    for name in {"method", "exports"} - asked.spec.keys():
        whole.pop(name, None)
    training = whole.get("training", {})
    if asked.budget == "epochs" and "epochs" not in asked.spec.get("training", {}) and training.get("epochs", 0) % 2:
        whole["training"] = training | {"epochs": training["epochs"] + 1}  # plain methods get half of them
    return asked.model_copy(update={"spec": whole})


def _violation(error: Invalid) -> Violation:
    return Violation(pointer=error.pointer, code=error.code, message=error.detail)


def _as_row(one: Contender) -> dict[str, object]:
    return {
        "label": one.label,
        "is_control": one.is_control,
        "method": one.spec.method.model_dump(mode="json"),
        "epochs": one.spec.training.epochs,
    }


def _enqueue(session: Session, comparison: Comparison, seed: int, index: int, found: tuple[Contender, Checked]) -> str:
    one, (resolved, version, warnings) = found
    name = f"{comparison.name}: {one.label}, seed {seed}" if comparison.name else f"{one.label}, seed {seed}"
    own = {"seed": seed, "name": name[:200]}
    return jobs.enqueue(
        session,
        comparison.tenant_id,
        one.spec.model_copy(update=own),
        (resolved.model_copy(update=own), version, warnings),
        trial=(comparison.id, index),
    ).id


def _unfinished(session: Session, comparison_id: str) -> list[str]:
    statement = select(Job.id).where(Job.comparison_id == comparison_id, Job.status.not_in(TERMINAL))
    return list(session.scalars(statement.order_by(Job.id)))
