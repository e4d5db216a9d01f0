"""A training in rounds: the first trains the network, each later one prunes it and trains what is left.

A round is a spec of its own, so that the loop, the schedule and the feed know nothing of the others.
"""

from dataclasses import dataclass

from contract.specs import CompressionSpec, ResolvedSpec
from contract.specs.compression import epochs_by_round

_SEED_STRIDE = 0x9E3779B9  # far apart, so that a round sees neither the order nor the crops of another


@dataclass(frozen=True)
class Round:
    number: int  # 0 is the training itself
    spec: ResolvedSpec  # what this round alone trains by
    first_epoch: int  # closed before it began
    share: float  # of the way to the target that pruning has gone once it has begun, 0 to 1


def of(spec: ResolvedSpec) -> list[Round]:
    """All rounds of a training, in their order."""
    first = Round(0, spec.model_copy(update={"compression": CompressionSpec()}), 0, 0.0)
    pruning = spec.compression.pruning
    if pruning is None:
        return [first]
    found, begins = [first], spec.training.epochs
    for number, epochs in enumerate(epochs_by_round(pruning), 1):
        fine_tuning = _fine_tuning(first.spec, number, epochs=epochs, learning_rate=float(pruning.learning_rate))
        found.append(Round(number, fine_tuning, begins, number / pruning.rounds))
        begins += epochs
    return found


def _fine_tuning(spec: ResolvedSpec, number: int, *, epochs: int, learning_rate: float) -> ResolvedSpec:
    """As the job trains, but for its own time: rate from its start down to zero, and no end before that.

    The head is no longer new, and the statistics of frozen norms are not those of a network with fewer channels.
    """
    optimizer = spec.optimizer.model_copy(
        update={"learning_rate": learning_rate, "schedule": "cosine", "warmup_epochs": 0, "head_warmup_epochs": 0}
    )
    training = spec.training.model_copy(update={"epochs": epochs, "early_stopping": None, "freeze_norms": "none"})
    seed = (spec.seed + number * _SEED_STRIDE) % 2**32
    return spec.model_copy(update={"optimizer": optimizer, "training": training, "seed": seed})
