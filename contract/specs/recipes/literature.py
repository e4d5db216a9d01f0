"""The protocols that papers report figures for, to be run on an archive of the reader's own. None was run here.

An epoch here shows 2n images a step for every method (decision 1), a paper's shows its batch once. So that a
recipe takes as many steps and sees as many images as the protocol it is named after:

- a method that sees an image once takes pairs of half the protocol's batch, and half its epochs;
- a method that sees an image beside its partner, its other view or its earlier self (`BESIDE`) takes as many pairs as
  the protocol's batch has images, and all its epochs, as in CS-KD's schedule; `control` then trains cross-entropy on as
  many images, which is twice as many as the plain protocol saw.
"""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from contract.specs.methods import MethodSpec
from contract.specs.recipes.recipe import Recipe

BESIDE = ("pairs", "views", "previous")  # arrangements of which a protocol's batch counts one half
_KINDS = {kind.model_fields["name"].default: kind for kind in get_args(get_args(MethodSpec)[0])}


@dataclass(frozen=True)
class Protocol:
    """As published, in the paper's own epochs and batches."""

    slug: str
    title: str
    architecture: str
    side_px: int
    stem: Literal["small", "imagenet"]
    epochs: int
    batch: int
    milestones: tuple[int, ...]
    weight_decay: float
    parameters: int
    macs: int
    caveat: str = ""
    nesterov: bool = False
    methods: tuple[str, ...] = ("cross_entropy", "patch_swap")


_FINE_GRAINED = "Crops are padded, not resized at random as in the papers; batch and weight decay were not verified."
PROTOCOLS = (
    Protocol(
        "cifar100_resnet18",
        "CIFAR-100, ResNet-18, 200 epochs",
        "resnet18",
        32,
        "small",
        epochs=200,
        batch=128,
        milestones=(100, 150),
        weight_decay=5e-4,
        parameters=11_173_962,
        macs=555_422_720,
        caveat="torchvision's residual block; several of the papers take the pre-activation one.",
    ),
    Protocol(
        "tinyimagenet_resnet18",
        "TinyImageNet, ResNet-18, 200 epochs",
        "resnet18",
        64,
        "small",
        epochs=200,
        batch=128,
        milestones=(100, 150),
        weight_decay=5e-4,
        parameters=11_173_962,
        macs=2_221_675_520,
        caveat="The schedule is that of CIFAR-100; the papers' own was not verified.",
    ),
    Protocol(
        "cub200_resnet18",
        "CUB-200-2011, ResNet-18 at 224 px, 200 epochs",
        "resnet18",
        224,
        "imagenet",
        epochs=200,
        batch=32,
        milestones=(100, 150),
        weight_decay=1e-4,
        parameters=11_181_642,
        macs=1_813_566_464,
        caveat=_FINE_GRAINED,
    ),
    Protocol(
        "stanford_dogs_resnet18",
        "Stanford Dogs, ResNet-18 at 224 px, 200 epochs",
        "resnet18",
        224,
        "imagenet",
        epochs=200,
        batch=32,
        milestones=(100, 150),
        weight_decay=1e-4,
        parameters=11_181_642,
        macs=1_813_566_464,
        caveat=_FINE_GRAINED,
    ),
    Protocol(
        "imagenet_resnet18",
        "ImageNet, ResNet-18 at 224 px, 100 epochs",
        "resnet18",
        224,
        "imagenet",
        epochs=100,
        batch=256,
        milestones=(30, 60, 90),
        weight_decay=1e-4,
        parameters=11_181_642,
        macs=1_813_566_464,
        caveat="Crops are padded, not resized at random as in the papers.",
    ),
    Protocol(
        "imagenet_resnet50",
        "ImageNet, ResNet-50 at 224 px, 100 epochs",
        "resnet50",
        224,
        "imagenet",
        epochs=100,
        batch=256,
        milestones=(30, 60, 90),
        weight_decay=1e-4,
        parameters=23_528_522,
        macs=4_087_156_736,
        caveat="Crops are padded, not resized at random as in the papers.",
    ),
)


def epochs_per_epoch(method: str) -> int:
    """How many epochs of a protocol one of ours is."""
    return 1 if _KINDS[method].arrangement in BESIDE else 2


def _recipe(protocol: Protocol, method: str) -> Recipe:
    return Recipe(
        f"{protocol.slug}_{method}",
        f"Not run here. {protocol.title}, by {method}. {_budget(method)} {protocol.caveat}",
        spec=_spec(protocol, method),
        parameters=protocol.parameters,
        macs=protocol.macs,
        reference_size=(protocol.side_px, protocol.side_px),
    )


def _budget(method: str) -> str:
    if epochs_per_epoch(method) == 2:
        return "As many images: an epoch here is two of the protocol's."
    return "As many anchors, each with a second image beside it: an epoch here is one of the protocol's."


def _spec(protocol: Protocol, method: str) -> dict[str, Any]:
    share = epochs_per_epoch(method)
    return {
        "model": {"architecture": protocol.architecture, "stem": protocol.stem},
        "method": {"name": method},
        "optimizer": {
            "name": "sgd",
            "learning_rate": 0.1,
            "momentum": 0.9,
            "nesterov": protocol.nesterov,
            "weight_decay": protocol.weight_decay,
            "schedule": "step",
            "milestones": [epoch // share for epoch in protocol.milestones],
        },
        "training": {
            "epochs": protocol.epochs // share,
            "pairs_per_batch": protocol.batch // share,
            "image_size": protocol.side_px,
        },
    }


LITERATURE: tuple[Recipe, ...] = tuple(
    _recipe(protocol, method) for protocol in PROTOCOLS for method in protocol.methods
)
