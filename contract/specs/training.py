"""How long, how fast and on how many images at a time a network is trained."""

from typing import Annotated, Literal

from pydantic import Field

from contract.specs.augmentation import AugmentationSpec
from contract.specs.tiles import TilesSpec
from contract.strict import LATER, Strict

ValidationMetric = Literal["auto", "val.top1_accuracy", "val.nll", "val.mean_iou", "val.ap", "val.ap50"]

MAX_SIDE_PX = 1024
Side = Annotated[int, Field(ge=8, le=MAX_SIDE_PX)]


class OptimizerSpec(Strict):
    name: Literal["sgd", "adamw"] = "sgd"
    learning_rate: float = Field(0.1, gt=0, le=10)
    momentum: float = Field(0.9, ge=0, lt=1, description="SGD only.")
    nesterov: bool = Field(default=False, description="SGD only; needs momentum.")
    weight_decay: float = Field(5e-4, ge=0, le=1)
    schedule: Literal["step", "cosine", "constant"] = "step"
    milestones: tuple[Annotated[int, Field(ge=1)], ...] | Literal["auto"] = Field(
        "auto", description="Epochs after which a step schedule multiplies by 0.1. auto: half and three quarters."
    )
    warmup_epochs: int = Field(
        0,
        ge=0,
        le=1000,
        description="Linear, from zero. Left out: 1 for detection, whose heads hardly learn at full rate from the "
        "first step; else 0.",
    )
    backbone_share: Annotated[float, LATER] = Field(
        1.0,
        gt=0,
        le=1,
        description="Learning rate of all layers but the head, as a share of learning_rate. 0.1 lets a new head learn "
        "fast and moves pretrained weights little. 1: one rate for all.",
    )
    layer_decay: Annotated[float, LATER] = Field(
        1.0,
        gt=0,
        le=1,
        description="Learning rate of the first layer as a share of the head's; the layers between are spaced "
        "geometrically by depth. 0.1 to 0.3 keeps more of what pretrained weights know. 1: one rate for all.",
    )
    head_warmup_epochs: Annotated[int, LATER] = Field(
        0,
        ge=0,
        le=1000,
        description="Train the head alone for this many epochs, then the whole network. For pretrained weights, whose "
        "head is new.",
    )
    decay_norms_and_biases: Annotated[bool, LATER] = Field(
        default=True,
        description="False: weight decay is applied to the weights of convolutions and linear layers only.",
    )


class EarlyStoppingSpec(Strict):
    """Stop when validation has not improved for this many epochs, and publish the best epoch's weights."""

    metric: ValidationMetric = Field(
        "auto", description="`auto`: val.top1_accuracy, val.mean_iou or val.ap, by the task."
    )
    patience_epochs: int = Field(20, ge=1, le=10_000)
    min_delta: float = Field(0.0, ge=0, le=100, description="What counts as an improvement.")


class TrainingSpec(Strict):
    epochs: int = Field(200, ge=1, le=10_000)
    pairs_per_batch: int = Field(128, ge=1, le=16_384, description="A step sees twice as many images.")
    image_size: Side | tuple[Side, Side] | Literal["auto"] = Field(
        "auto",
        description="Pixels, one number or [height, width]. auto: the images' own size where all have one of up to "
        "224 px. Else for classification the median, at most 224; for segmentation and detection the median's aspect "
        "ratio, 384 or 320 px on the longer side, and up to 512 where boxes would be smaller than 16 px.",
    )
    fit: Literal["auto", "stretch", "letterbox"] = Field(
        "auto",
        description="How images are laid into that size: stretched, or by their own aspect ratio with gray beside "
        "them. auto: letterbox where stretching would change aspect ratios by more than 5 %; classification: 2 times.",
    )
    tiles: Annotated[TilesSpec | None, LATER] = Field(
        None,
        description="Segmentation and detection of images far larger than the network: train on tiles of them, and "
        "evaluate and run the exported file on all tiles of an image, merged. Null: images are resized as wholes.",
    )
    augmentation: AugmentationSpec = AugmentationSpec()
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto",
        description="`auto`: bf16 on a GPU, fp32 on a CPU. On a CPU with AMX, bf16 is faster; without, it is slower.",
    )
    devices: int = Field(1, ge=1, le=8, description="GPUs, or processes on a CPU; a step is divided among them.")
    accumulate: int = Field(1, ge=1, le=1024, description="Parts that a step is divided into, one after the other.")
    ema_decay: float | None = Field(
        None, gt=0, lt=1, description="Publish the exponential moving average of the weights, by step."
    )
    early_stopping: EarlyStoppingSpec | None = None
    freeze_norms: Annotated[Literal["none", "statistics", "all"], LATER] = Field(
        "none",
        description="Batch norm of a network that begins from pretrained weights. statistics: keep its running mean "
        "and variance; all: also its scale and offset. Pruning and int8 fine-tuning release it.",
    )
    class_balance: Annotated[Literal["none", "weights", "sampler"], LATER] = Field(
        "none",
        description="Classification with unbalanced classes. weights: the loss of an image is multiplied by the "
        "inverse of its class's share; sampler: every class is drawn equally often.",
    )
    compile: Literal["auto", "on", "off"] = Field(
        "auto", description="Use torch.compile. `auto`: on a GPU, if the run is long enough to gain from it."
    )
    checkpoint_every_seconds: float = Field(60, ge=0.1, le=86_400)
