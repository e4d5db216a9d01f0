"""The job spec: what a customer may ask of one training. Meaning that needs the dataset is in `resolution`."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationInfo, field_validator

from contract.architectures import Classifier, Detector, Segmenter
from contract.formats import FORMATS, FormatName, Precision
from contract.specs.compression import CompressionSpec
from contract.specs.exports import LadderSpec
from contract.specs.methods import MethodSpec, PatchSwapSpec
from contract.strict import Strict
from contract.tasks import TaskName

Architecture = Literal["auto", Classifier, Segmenter, Detector]
ValidationMetric = Literal["auto", "val.top1_accuracy", "val.nll", "val.mean_iou", "val.ap", "val.ap50"]
Side = Annotated[int, Field(ge=8, le=512)]
Scale = Annotated[float, Field(ge=0.1, le=10)]
ModelId = Annotated[str, StringConstraints(min_length=1, max_length=64)]
LabelKey = Annotated[str, StringConstraints(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9._/-]+$")]
LabelValue = Annotated[str, StringConstraints(max_length=255)]


class ModelSpec(Strict):
    architecture: Architecture = Field(
        "auto",
        description="auto: resnet18 for classification, lraspp_mobilenet_v3_large for segmentation, "
        "ssdlite320_mobilenet_v3_large for detection.",
    )
    stem: Literal["auto", "small", "imagenet"] = Field(
        "auto", description="small: 3x3 stride 1, no max-pool. auto takes it under 64 px."
    )
    pretrained: None = Field(None, description="Only null: no weights are fetched at run time.")
    backbone_from: ModelId | None = Field(
        None,
        description="Segmentation and detection: begin with the weights of this trained classification model of the "
        "architecture that the name ends in.",
    )


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


class AugmentationSpec(Strict):
    crop_padding: Annotated[int, Field(ge=0, le=64)] | Literal["auto"] = Field(
        "auto",
        description="Classification: pixels added around before a random crop. auto: an eighth of the shorter side.",
    )
    horizontal_flip: bool = Field(default=True, description="Switch off where left and right differ, as in digits.")
    scale_jitter: tuple[Scale, Scale] | Literal["auto"] = Field(
        "auto",
        description="Segmentation and detection: an image is resized by a factor within these, then cropped or padded "
        "to its size. auto: 0.5 to 2; classification: 1 to 1, which is none.",
    )
    photometric: bool | Literal["auto"] = Field(
        "auto", description="Segmentation and detection: change brightness, contrast, saturation and hue. auto: true."
    )


class EarlyStoppingSpec(Strict):
    """End once validation has not improved for so long, and publish the weights of its best epoch."""

    metric: ValidationMetric = Field(
        "auto", description="auto: val.top1_accuracy, val.mean_iou or val.ap, by the task."
    )
    patience_epochs: int = Field(20, ge=1, le=10_000)
    min_delta: float = Field(0.0, ge=0, le=100, description="What counts as an improvement.")


class TrainingSpec(Strict):
    epochs: int = Field(200, ge=1, le=10_000)
    pairs_per_batch: int = Field(128, ge=1, le=16_384, description="A step sees twice as many images.")
    image_size: Side | tuple[Side, Side] | Literal["auto"] = Field(
        "auto", description="Pixels, one number or [height, width]. auto: the dataset's own."
    )
    augmentation: AugmentationSpec = AugmentationSpec()
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    devices: int = Field(1, ge=1, le=8, description="GPUs, or processes on a CPU; a step is divided among them.")
    accumulate: int = Field(1, ge=1, le=1024, description="Parts that a step is divided into, one after the other.")
    ema_decay: float | None = Field(
        None, gt=0, lt=1, description="Publish the exponential moving average of the weights, by step."
    )
    early_stopping: EarlyStoppingSpec | None = None
    compile: Literal["auto", "on", "off"] = Field(
        "auto", description="torch.compile. auto: on a GPU, where the run is long enough to pay for it."
    )
    checkpoint_every_seconds: float = Field(60, ge=0.1, le=86_400)


class EvaluationSpec(Strict):
    test: bool = Field(
        default=True, description="False: the test split stays unread, validation is reported, and nothing is exported."
    )
    calibration: bool = True
    robustness: tuple[Literal["fgsm", "pgd", "corruptions"], ...] = Field(
        (), description="fgsm: one step of the gradient; pgd: ten, some minutes on a CPU; corruptions: six families."
    )


class Constraints(Strict):
    max_drop_points: float | None = Field(
        None,
        ge=0,
        le=100,
        description="Points, of a hundred, below the trained net: of top-1 accuracy, mIoU or COCO's AP, by the task.",
    )
    max_bytes: int | None = Field(None, ge=1, description="Of the model file.")
    max_latency_ms: float | None = Field(None, gt=0, description="Median, one thread, batch 1, on the worker.")


class ExportSpec(Strict):
    format: FormatName = "onnx"
    precision: Precision = "fp32"
    constraints: Constraints = Constraints()
    ladder: LadderSpec = Field(
        LadderSpec(),
        description="What is tried to keep the constraints of an int8 file; of other files without effect.",
    )

    @property
    def climbs(self) -> bool:
        """Whether there is something to keep, and more than one way to."""
        return self.precision == "int8" and self.constraints != Constraints()

    @field_validator("precision")
    @classmethod
    def _offered(cls, precision: Precision, info: ValidationInfo) -> Precision:
        terms = FORMATS.get(info.data.get("format", ""))  # none where the format itself was refused
        if terms and precision not in terms.precisions:
            raise ValueError(f"{info.data['format']} has no {precision}; it has {', '.join(terms.precisions)}")
        return precision


class JobSpec(Strict):
    dataset: Annotated[str, StringConstraints(min_length=1, max_length=64)] = Field(
        description="A dataset version (dsv_...) or a dataset (ds_...), whose latest version is taken."
    )
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    task: TaskName | None = Field(None, description="The dataset's; given, it must be the same.")
    recipe: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        None, description="Defaults for all that is not given; see /v1/recipes."
    )
    model: ModelSpec = ModelSpec()
    method: MethodSpec = PatchSwapSpec()
    optimizer: OptimizerSpec = OptimizerSpec()
    training: TrainingSpec = TrainingSpec()
    evaluation: EvaluationSpec = EvaluationSpec()
    compression: CompressionSpec = CompressionSpec()
    exports: tuple[ExportSpec, ...] = Field((ExportSpec(),), max_length=8)
    control: bool = Field(default=False, description="Also train the cross-entropy twin on as many images.")
    seed: int = Field(0, ge=0, le=2**32 - 1)
    priority: int = Field(
        0,
        ge=-100,
        le=100,
        description="The highest of your own queued jobs starts first. Other tenants wait no longer.",
    )
    labels: dict[LabelKey, LabelValue] = Field({}, max_length=64)
