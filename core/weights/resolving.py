"""A spec made concrete with what the ledger knows: the weights it begins with, the network that teaches it."""

from sqlalchemy.orm import Session

from contract.pack.manifest import PackManifest
from contract.specs import JobSpec, ResolvedSpec, SpecWarning, resolution
from core.weights import catalogue, donors


def resolve(
    session: Session, tenant_id: str, spec: JobSpec, manifest: PackManifest
) -> tuple[ResolvedSpec, list[SpecWarning]]:
    """What it names cannot be deleted before the transaction ends. Raises SpecInvalid or WeightsNotReady."""
    at_hand = catalogue.at_hand(session, tenant_id, spec.model.pretrained)
    resolved, warnings = resolution.resolve(spec, manifest, at_hand)
    donors.require(session, tenant_id, resolved, manifest)
    return resolved, warnings
