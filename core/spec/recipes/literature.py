"""The protocols that papers report figures for, to be run on an archive of the reader's own. None was run here.

An epoch here shows 2n images a step for every method (docs/decisions/0001), a paper's shows its batch once. So that a
recipe sees as many images in as many steps as the protocol it is named after:

- a plain method takes pairs of half the protocol's batch and half its epochs;
- a method on pairs takes as many pairs as the protocol's batch has images and all its epochs, each anchor bringing its
  partner, as in CS-KD's and patch swap's own schedules; `control` then trains cross-entropy on as many images, which
  is twice as many as the plain protocol saw.
"""

from dataclasses import dataclass
from typing import Any, Literal

from core.spec.recipes.recipe import Recipe


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
# The methods of the protocols, and whether each trains on pairs.
METHODS: dict[str, bool] = {"cross_entropy": False, "patch_swap": True}


def _recipe(protocol: Protocol, method: str, *, pairs: bool) -> Recipe:
    return Recipe(
        f"{protocol.slug}_{method}",
        f"Not run here. {protocol.title}, by {method}. {protocol.caveat}",
        spec=_spec(protocol, method, pairs=pairs),
        parameters=protocol.parameters,
        macs=protocol.macs,
        reference_size=(protocol.side_px, protocol.side_px),
    )


def _spec(protocol: Protocol, method: str, *, pairs: bool) -> dict[str, Any]:
    share = 1 if pairs else 2  # of the protocol's images an epoch of ours shows twice as many
    return {
        "model": {"architecture": protocol.architecture, "stem": protocol.stem},
        "method": {"name": method},
        "optimizer": {
            "name": "sgd",
            "learning_rate": 0.1,
            "momentum": 0.9,
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
    _recipe(protocol, method, pairs=pairs) for protocol in PROTOCOLS for method, pairs in METHODS.items()
)
