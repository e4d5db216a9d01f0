"""The data sets of the study and how long each method trains on them. No file of them is downloaded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.results import cifar100, digits, glyphs, parts, photographs
from contract.pack.manifest import PackManifest

# What a reader of docs/results.md asks, in this order, and the heading of the answer.
QUESTIONS = {
    "fine_tuning": "A few hundred photographs, from pretrained weights",
    "from_scratch": "Few images, from random weights",
}


@dataclass(frozen=True)
class Arm:
    """A method at settings that are taken as they are, where tuning would cost days."""

    method: str
    settings: Mapping[str, Any]  # dotted name of a spec's field -> value


@dataclass(frozen=True)
class Dataset:
    title: str
    description: str
    build: Callable[..., PackManifest]  # (folder, draw=...): a pack whose training images are those of the draw
    epochs: int  # each shows 2 images for every training image; chosen for about as many seconds on every data set
    horizontal_flip: bool
    pairs_per_batch: int = 32
    precision: str = "auto"
    sources: Callable[[], dict[str, list[str]]] | None = None  # what it was made of, where that is the machine's
    archive: str | None = None  # of the folder that is given as --data; `build` takes that folder as `data`
    arms: Mapping[str, Arm] | None = None  # by name; None: the methods, each tuned by trials
    question: str | None = None  # of QUESTIONS; None: in the appendix
    fine_tuned: bool = False  # by the default recipe, from pretrained weights; else ResNet-20 from random ones


def _digits(per_class: int, epochs: int) -> Dataset:
    return Dataset(
        title=f"Digits, {per_class} training images per class",
        description=f"scikit-learn's scans of handwritten digits, 8 px, gray, 10 classes: {10 * per_class} images to "
        f"train, {10 * digits.VAL_PER_CLASS} to validate, {10 * digits.TEST_PER_CLASS} to test.",
        build=partial(digits.build, per_class=per_class),
        epochs=epochs,
        horizontal_flip=False,
    )


_RATE = "optimizer.learning_rate"
_KD, _CLOSING = {"method.kd_weight": 0.25}, {"method.closing_share": 1 / 3}
# The rate of the literature for all; the weight of the KL term is that of earlier trials (METHODS of the project).
_CIFAR_ARMS = {
    name: Arm(method, {_RATE: 0.1, **settings})
    for name, method, settings in (
        ("cross_entropy", "cross_entropy", {}),
        ("patch_swap", "patch_swap", _KD),
        ("patch_swap_only", "patch_swap_only", {}),
        ("patch_swap_closed", "patch_swap", _KD | _CLOSING),
        ("label_smoothing", "label_smoothing", {"method.smoothing": 0.1}),
        ("mixup", "mixup", {"method.alpha": 0.2}),
        ("cutmix", "cutmix", {}),
        ("cs_kd", "cs_kd", {"method.kd_weight": 1.0}),
        ("ddgsd", "ddgsd", {"method.kd_weight": 1.0}),
        ("ps_kd", "ps_kd", {"method.alpha": 0.8}),
        ("dlb", "dlb", {"method.kd_weight": 1.0}),
        ("bake", "bake", {"method.kd_weight": 1.0}),
    )
}


def _cifar100(per_class: int, epochs: int) -> Dataset:
    return Dataset(
        title=f"CIFAR-100, {per_class} training images per class",
        description=f"32 px, colour, 100 classes: {100 * per_class} images to train, {100 * cifar100.VAL_PER_CLASS} to "
        "validate, the whole test split of 10,000. Nothing is tuned: every arm takes the rate of the literature. "
        "Trained in bfloat16, which is 1.7 times as fast on processors with AMX.",
        build=partial(cifar100.build, per_class=per_class),
        epochs=epochs,
        horizontal_flip=True,
        pairs_per_batch=64,
        precision="bf16",
        archive=cifar100.ARCHIVE,
        arms=_CIFAR_ARMS,
        question="from_scratch",
    )


# Rates, network and augmentation are the default recipe's.
_PHOTOGRAPH_ARMS = {
    name: Arm(method, settings)
    for name, method, settings in (
        ("cross_entropy", "cross_entropy", {}),
        ("patch_swap", "patch_swap", _KD),
        ("patch_swap_closed", "patch_swap", _KD | _CLOSING),
        ("patch_swap_only", "patch_swap_only", {}),
        ("label_smoothing", "label_smoothing", {"method.smoothing": 0.1}),
        ("mixup", "mixup", {"method.alpha": 0.2}),
        ("cutmix", "cutmix", {}),
    )
}


def _photographs(title: str, what: str, *, archive: str, per_class: int, epochs: int) -> Dataset:
    return Dataset(
        title=f"{title}, {per_class} training images per class",
        description=f"{what} Fine-tuned by the default recipe (EfficientNet-Lite0 from ImageNet weights) with the "
        "method in place of its own. Nothing is tuned. Trained in bfloat16.",
        build=partial(photographs.build, archive=archive, per_class=per_class),
        epochs=epochs,
        horizontal_flip=True,
        precision="bf16",
        archive=archive,
        arms=_PHOTOGRAPH_ARMS,
        question="fine_tuning",
        fine_tuned=True,
    )


DATASETS: dict[str, Dataset] = {
    "digits_10": _digits(10, epochs=50),
    "digits_50": _digits(50, epochs=16),
    "digits_100": _digits(100, epochs=8),
    "glyphs": Dataset(
        title="Glyphs",
        description="Letters A to Z, 16 px, gray, 26 classes, in fonts of Debian's packages; the fonts of training "
        f"({glyphs.FONTS[0]} in each draw, out of {glyphs.POOL}), validation ({glyphs.FONTS[1]}) and test "
        f"({glyphs.FONTS[2]}) are different families, near copies left out.",
        build=glyphs.build,
        epochs=10,
        horizontal_flip=False,
        sources=glyphs.families,
    ),
    "parts": Dataset(
        title="Parts on photographs",
        description=f"{parts.COPIES} copies of a textured part of {parts.PART_PX} px on a crop of a photograph, "
        f"{parts.SIDE_PX} px, colour, {len(parts.TEXTURES)} classes: {parts.PER_CLASS[0]} images of each to train, "
        f"{parts.PER_CLASS[1]} to validate, {parts.PER_CLASS[2]} to test, on different photographs.",
        build=parts.build,
        epochs=10,
        horizontal_flip=True,
        pairs_per_batch=16,  # of 32, cross-entropy had not yet begun to learn by the end with some rates
    ),
    # As many epochs as it takes until the loss of cross-entropy is next to zero.
    "cifar100_50": _cifar100(50, epochs=60),
    "cifar100_100": _cifar100(100, epochs=60),
    "cifar100_500": _cifar100(500, epochs=30),
    "clothing_40": _photographs(
        "Clothing", "10 kinds of clothes, 160 px.", archive="clothing.zip", per_class=40, epochs=8
    ),
    "groceries_10": _photographs(
        "Groceries", "Kinds of fruit, vegetables and cartons, 160 px.", archive="groceries.zip", per_class=10, epochs=8
    ),
    "hand_signs_20": _photographs(
        "Hand signs",
        "10 signs, 96 px; every seed draws test images, too.",
        archive="hand_signs.zip",
        per_class=20,
        epochs=12,
    ),
}


def arm_names() -> tuple[str, ...]:
    """All arms of all data sets that are no methods, in their order."""
    named = (arm for dataset in DATASETS.values() for arm, what in (dataset.arms or {}).items() if arm != what.method)
    return tuple(dict.fromkeys(named))
