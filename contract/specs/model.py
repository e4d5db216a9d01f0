"""Which network is trained, and what it begins from."""

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from contract.architectures import TIMM_PATTERN, Classifier, Detector, Segmenter
from contract.strict import Strict

OURS = ("auto", *get_args(Classifier), *get_args(Segmenter), *get_args(Detector))
OfTimm = Annotated[str, StringConstraints(pattern=TIMM_PATTERN)]


def _known(names: tuple[str, ...]) -> BeforeValidator:
    """One sentence in place of one for each arm of the union with `OfTimm`."""

    def require(name: object) -> object:
        if isinstance(name, str) and name not in names and not re.fullmatch(TIMM_PATTERN, name):
            raise ValueError(f"There is no such network. Take one of {', '.join(names)}, or timm:NAME.")
        return name

    return BeforeValidator(require)


Architecture = Annotated[Literal["auto", Classifier, Segmenter, Detector] | OfTimm, _known(OURS)]
ClassifierName = Annotated[Classifier | OfTimm, _known(get_args(Classifier))]


def _require_weights_name(name: object) -> object:
    if isinstance(name, str) and not re.fullmatch(_PRETRAINED, name):
        ids = "wts_... of /v1/weights, or model_... of a model of yours"
        raise PydanticCustomError("string_pattern_mismatch", f"Take auto, imagenet, null, or an id: {ids}")
    return name


_PRETRAINED = r"^(auto|imagenet|(wts|model)_[A-Za-z0-9_]+)$"
ModelId = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Pretrained = Annotated[
    str, StringConstraints(max_length=64, pattern=_PRETRAINED), BeforeValidator(_require_weights_name)
]


class ModelSpec(Strict):
    architecture: Architecture = Field(
        "auto",
        description="`auto`: resnet18 for classification, lraspp_mobilenet_v3_large for segmentation, "
        "ssdlite320_mobilenet_v3_large for detection. timm:NAME: any other classifier of timm, tried once when the "
        "job is submitted, and otherwise untested.",
    )
    stem: Literal["auto", "small", "imagenet"] = Field(
        "auto",
        description="`small`: 3x3 stride 1, no max-pool. `auto`: as the pretrained weights, else small under 64 px.",
    )
    pretrained: Pretrained | None = Field(
        "auto",
        description="The weights that the network, or its backbone, begins with. imagenet: the built-in ones; an id of "
        "/v1/weights (wts_...) or of a model of yours (model_...); null: random. auto: the built-in ones where "
        "the architecture has them, images have 3 channels and are trained at 64 px or more; else random.",
    )

    @model_validator(mode="before")
    @classmethod
    def _accept_backbone_from(cls, body: Any) -> Any:
        """`backbone_from` is what release 0.1 called the `pretrained` of masks and boxes; jobs still hold it."""
        if not isinstance(body, dict) or "backbone_from" not in body:
            return body
        rest = {name: value for name, value in body.items() if name != "backbone_from"}
        if body["backbone_from"] is None:
            return rest
        if rest.get("pretrained", "auto") not in (None, "auto"):
            raise ValueError("`backbone_from` is the old name of pretrained. Give pretrained alone.")
        return rest | {"pretrained": body["backbone_from"]}
