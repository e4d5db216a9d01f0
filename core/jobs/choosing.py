"""What a submission asks for, with the default recipe where it names none: by its dataset and this deployment."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from contract.pack.manifest import PackManifest
from contract.specs import Estimate, SpecInvalid, Submission, estimate, lay_out, parse
from contract.specs.recipes import merge
from core.datasets.references import as_stored, ready_version
from core.jobs import pace, requests
from core.tables import DatasetVersion
from core.weights import catalogue


def read(session: Session, tenant_id: str, body: Mapping[str, Any]) -> Submission:
    """Raises SpecInvalid, Invalid, or Conflict for what is not ready."""
    asked = parse(body)
    version = ready_version(session, tenant_id, asked.dataset)
    return _lay_out(session, tenant_id, {**body, "dataset": as_stored(asked.dataset, version)}, version)


def base(session: Session, tenant_id: str, spec: Mapping[str, Any], version: DatasetVersion) -> dict[str, Any]:
    """What the jobs of a comparison or a sweep have in common, laid over the default recipe where none is named.

    Decided once, so that what becomes known meanwhile changes no later job of them.
    """
    try:
        _, chosen = _lay_out(session, tenant_id, {**spec, "dataset": version.id}, version)
    except SpecInvalid as error:  # with pointers to where it lies in the body of either
        placed = [one.model_copy(update={"pointer": f"/spec{one.pointer}"}) for one in error.violations]
        raise SpecInvalid(placed) from error
    own = {name: value for name, value in spec.items() if name != "budget_seconds"}
    return merge(chosen.spec, own) if chosen else own


def estimated(session: Session, tenant_id: str, submission: Submission) -> Estimate:
    """How long it takes here. Raises what `requests.check` raises."""
    resolved, version, _ = requests.check(session, tenant_id, submission.spec)
    return estimate(resolved, PackManifest.model_validate(version.manifest), pace.read(session, tenant_id))


def _lay_out(session: Session, tenant_id: str, body: Mapping[str, Any], version: DatasetVersion) -> Submission:
    model = body.get("model")
    pretrained = model.get("pretrained", "auto") if isinstance(model, Mapping) else "auto"
    return lay_out(
        body,
        PackManifest.model_validate(version.manifest),
        at_hand=catalogue.at_hand(session, tenant_id, pretrained),
        pace=pace.read(session, tenant_id),
    )
