"""The weights that a tenant can begin a training with: the built-in ones, those it pushed, and its own models."""

from sqlalchemy.orm import Session

from contract.weights import BUILT_IN, WeightsCard, installed
from core.errors import Conflict
from core.weights import donors, pushed


class WeightsNotReady(Conflict):
    """The weights are still being read. Wait until their status is ready."""


class WeightsFailed(Conflict):
    """The weights could not be read. Their report at /v1/weights says why. Push corrected ones."""


def at_hand(session: Session, tenant_id: str, pretrained: str | None) -> dict[str, WeightsCard]:
    """What a spec that asks for `pretrained` can begin with, by id: what is installed, and what it names.

    Held against deletion until the transaction ends. Raises WeightsNotReady or WeightsFailed.
    """
    named = _named(session, tenant_id, pretrained or "")
    return installed() | ({named.id: named} if named else {})


def _named(session: Session, tenant_id: str, weights_id: str) -> WeightsCard | None:
    if weights_id.startswith("model_"):
        donor = donors.find(session, tenant_id, weights_id)
        return donor.weights if donor else None
    if not weights_id.startswith("wts_") or weights_id in BUILT_IN:
        return None
    row = pushed.held(session, tenant_id, weights_id)
    if row is None:
        return None
    if row.status in ("queued", "running"):
        raise WeightsNotReady(f"The weights are still being read. Wait until /v1/weights/{row.id} is ready.")
    if row.status == "failed":
        raise WeightsFailed(f"The weights could not be read. /v1/weights/{row.id} says why. Push corrected ones.")
    return pushed.card_of(row)
