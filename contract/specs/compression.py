"""What is asked of a training beyond its last epoch: a smaller network. Files are made smaller by `exports`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from contract.strict import Strict

FINE_TUNE_SHARE = 0.5  # of the training's epochs, where "auto"
LEARNING_RATE_SHARE = 0.5  # of the training's rate, where "auto"


class PruningSpec(Strict):
    """Remove whole channels after the training, in rounds; each is followed by fine-tuning under the job's own method.

    Exactly one of the two targets says how small the network must get.
    """

    target_macs_share: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Multiply-adds that may remain, as a share of the unpruned network's: 0.5 is half.",
    )
    target_bytes: int | None = Field(
        None, ge=1, description="Bytes that the weights may take in fp32; an int8 file has about a quarter of them."
    )
    criterion: Literal["taylor", "magnitude"] = Field(
        "taylor",
        description="Which channels go first. taylor: those whose removal changes the loss least, to first order; "
        "magnitude: those of the smallest weights.",
    )
    rounds: int = Field(3, ge=1, le=20, description="Each round removes an equal share of the channels that remain.")
    fine_tune_epochs: Annotated[int, Field(ge=1, le=10_000)] | Literal["auto"] = Field(
        "auto", description="Of all rounds together, half of them in the last. auto: half of training.epochs."
    )
    learning_rate: Annotated[float, Field(gt=0, le=10)] | Literal["auto"] = Field(
        "auto", description="At the start of each round; falls as a cosine. auto: half of the optimizer's."
    )
    distillation_weight: float = Field(
        1.0, ge=0, le=100, description="Of the divergence from the unpruned network, beside the method's own loss."
    )

    @model_validator(mode="after")
    def _has_one_target(self) -> Self:
        if (self.target_macs_share is None) == (self.target_bytes is None):
            raise ValueError("Give exactly one of target_macs_share (0.5 is half) and target_bytes.")
        return self


class CompressionSpec(Strict):
    pruning: PruningSpec | None = Field(None, description="None: the network keeps all of its channels.")


def epochs_by_round(pruning: PruningSpec) -> list[int]:
    """How long each round of a resolved spec fine-tunes: the last at least half, the others equal parts of the rest."""
    total, early_rounds = int(pruning.fine_tune_epochs), pruning.rounds - 1
    early = max(1, total // 2 // early_rounds) if early_rounds else 0
    return [early] * early_rounds + [total - early * early_rounds]
