"""A row of pushed weights as the rest of the service sees it. What is done with it: `requests` and `ledger`."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from contract.weights import IMAGENET_GRAY, IMAGENET_RULE, InputRule, WeightsCard
from core.tables import Weights


def held(session: Session, tenant_id: str, weights_id: str) -> Weights | None:
    """None for another tenant's weights just as for none. They cannot be deleted before the transaction ends."""
    statement = select(Weights).where(Weights.id == weights_id, Weights.tenant_id == tenant_id)
    return session.scalars(statement.with_for_update(read=True, key_share=True)).one_or_none()


def card_of(row: Weights) -> WeightsCard:
    """Of a row that is ready."""
    return WeightsCard.model_validate(
        {
            "id": row.id,
            "architecture": row.architecture,
            "task": "classification",
            "classes": row.classes,
            "num_classes": row.num_classes,
            "channels": row.channels,
            "stem": row.stem,
            "input": rule_of(row),
            "licence": row.licence,
            "source": row.source,
            "sha256": row.sha256,
            "bytes": row.bytes,
        }
    )


def rule_of(row: Weights) -> InputRule:
    """How its images were prepared: as its owner said, else as torchvision and timm do for ImageNet."""
    if row.input is not None:
        return InputRule.model_validate(row.input)
    return IMAGENET_GRAY if row.channels == 1 else IMAGENET_RULE
