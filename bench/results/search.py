"""What is tried for each method: four settings, so that every method is tuned equally hard.

A method with a main weight tries two learning rates with two weights, one without tries four learning rates.
"""

from itertools import product
from typing import Any, get_args

from contract.specs import MethodSpec

Settings = dict[str, Any]  # dotted name of a spec's field -> value

TRIALS = 4
# At 0.2, warmed up over 3 steps, patch swap broke down with three seeds of five on ten digits a class; hence also the
# warm-up over a tenth of the epochs.
RATES = (0.05, 0.15)
MORE_RATES = (0.025, 0.05, 0.1, 0.15)
RATE = "optimizer.learning_rate"
TEACHERS = ("tf_kd_self", "kd", "dkd")  # methods that learn from the seed's own cross-entropy run


def _rates() -> list[Settings]:
    return [{RATE: rate} for rate in MORE_RATES]


def _weights(field: str, *values: float) -> list[Settings]:
    return [{RATE: rate, f"method.{field}": value} for rate, value in product(RATES, values)]


SPACES: dict[str, list[Settings]] = {
    "cross_entropy": _rates(),
    "label_smoothing": _weights("smoothing", 0.1, 0.2),
    "mixup": _weights("alpha", 0.2, 0.4),  # FRSKD's and Self-KD-Lib's
    "cutmix": _rates(),
    "patch_swap": _weights("kd_weight", 0.25, 1.0),
    "patch_swap_only": _rates(),
    "cs_kd": _weights("kd_weight", 1.0, 3.0),  # the paper's for CIFAR-100 and for fine-grained sets
    "ddgsd": _weights("kd_weight", 0.25, 1.0),
    # The multipliers are divided by the number of classes: 50 is for a hundred of them, here there are 8 to 26.
    "tf_kd_self": _weights("multiplier", 5.0, 50.0),
    "tf_kd_reg": _weights("multiplier", 10.0, 100.0),
    "ps_kd": _weights("alpha", 0.5, 0.8),
    "byot": _weights("alpha", 0.1, 0.3),
    "dlb": _weights("kd_weight", 0.25, 1.0),
    "bake": _weights("kd_weight", 0.25, 1.0),
    "mixskd": _weights("kd_weight", 0.25, 1.0),
    "frskd": _weights("kd_weight", 0.5, 2.0),
    "uskd": _weights("target_weight", 0.1, 1.0),  # CIFAR-100's and ImageNet's
    "kd": _weights("kd_weight", 0.25, 0.9),
    # Its warm-up of 20 epochs is longer than some of the schedules here.
    "dkd": [settings | {"method.warmup_epochs": 2} for settings in _weights("non_target_weight", 2.0, 8.0)],
}


def methods() -> tuple[str, ...]:
    """All methods of classification that a spec can name, the control first."""
    kinds = get_args(get_args(MethodSpec)[0])
    return tuple(kind.model_fields["name"].default for kind in kinds if "classification" in kind.tasks)


def space(method: str) -> list[Settings]:
    """The settings to try."""
    return SPACES[method]
