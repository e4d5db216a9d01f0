"""What a customer may do with weights: push, look, delete. Nothing here commits or rings."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from contract.weights import BUILT_IN, InputRule
from core.accounts import quotas
from core.database import owned
from core.datasets import uploads
from core.errors import Conflict, InUse, Invalid
from core.ids import new_id
from core.tables import Job, Sweep, Weights
from core.tables.states import TERMINAL


class WeightsBuiltIn(Conflict):
    """These weights are built in: they belong to every tenant and cannot be deleted."""


@dataclass(frozen=True)
class Description:
    """What a file of weights does not say of itself."""

    architecture: str
    licence: str
    source: str
    name: str | None = None
    classes: Sequence[str] | None = None
    input: InputRule | None = None


def create(session: Session, tenant_id: str, *, upload_id: str, of: Description) -> Weights:
    """Weights that wait to be read. The caller commits and then rings. Raises Invalid, Conflict or QuotaExceeded."""
    quotas.hold(session, tenant_id)
    upload = uploads.completed(session, tenant_id, upload_id)
    quotas.require_bytes(session, tenant_id, more=upload.bytes)
    if of.classes is not None and len(set(of.classes)) != len(of.classes):
        raise Invalid("A class is named twice. Give each name once.", pointer="/classes")
    row = Weights(
        id=new_id("wts"),
        tenant_id=tenant_id,
        upload_id=upload.id,
        name=of.name or of.architecture,
        architecture=of.architecture,
        classes=None if of.classes is None else list(of.classes),
        input=of.input.model_dump(mode="json") if of.input else None,
        licence=of.licence,
        source=of.source,
        status="queued",
    )
    session.add(row)
    session.flush()
    session.refresh(row)
    return row


def find(session: Session, tenant_id: str, weights_id: str, *, lock: bool = False) -> Weights:
    """Of those that the tenant pushed. Raises NotFound."""
    return owned.find(session, Weights, tenant_id, weights_id, lock=lock)


def delete(session: Session, tenant_id: str, weights_id: str) -> list[str]:
    """Remove weights; gives the object prefixes to delete after the commit. Raises InUse while they are needed."""
    if weights_id in BUILT_IN:
        raise WeightsBuiltIn
    row = find(session, tenant_id, weights_id, lock=True)
    asked = Job.resolved["model"]["pretrained"].astext
    live = select(Job.id).where(Job.tenant_id == tenant_id, Job.status.not_in(TERMINAL), asked == row.id)
    job_id = session.scalars(live.limit(1)).one_or_none()
    if job_id is not None:
        raise InUse(f"Job {job_id} begins with these weights. Cancel it or wait for its end.")
    of_sweep = Sweep.spec["spec"]["model"]["pretrained"].astext
    searching = select(Sweep.id).where(Sweep.tenant_id == tenant_id, Sweep.status == "running", of_sweep == row.id)
    sweep_id = session.scalars(searching.limit(1)).one_or_none()
    if sweep_id is not None:
        raise InUse(f"Sweep {sweep_id} begins with these weights. Cancel it or wait for its end.")
    session.delete(row)
    return [f"weights/{row.id}/"]
