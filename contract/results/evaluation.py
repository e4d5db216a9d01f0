"""What a job measured: evaluation of the trained net, and of each exported file.

Fields added after the first release have a default, so that what was stored before them is still read.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Tag

from contract.specs.job import SelectionRule

Interval = tuple[float, float]  # 95 %, of the images drawn


class Figures(BaseModel):
    """A part of an evaluation. What is answered always has every field, whatever was stored."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class ClassFigures(Figures):
    name: str
    samples: int
    recall: float | None  # None where the split has no sample of the class
    precision: float | None
    probability_correct: float | None  # mean p(target) over rightly predicted samples
    probability_wrong: float | None
    superclass: str | None = None  # None where the dataset names none


class Reliability(Figures):
    """Confidence against accuracy, bin by bin; bins are closed on the right. An empty bin has neither."""

    edges: list[float]  # one more than bins, from 0 to 1
    counts: list[int]
    confidence: list[float | None]
    accuracy: list[float | None]


class SuperclassErrors(Figures):
    """Whether a wrong prediction at least stays within the super-class of the truth."""

    superclasses: int
    errors: int
    within: int  # of those, predicted as another class of the right super-class
    share: float | None  # within / errors; None without an error
    share_by_chance: float | None  # the same, had each error been drawn uniformly from the other classes
    superclass_accuracy: float  # right or at least in the right super-class


class SplitEvaluation(Figures):
    """One classifier on one split. Accuracies are fractions; intervals are 95 %."""

    task: Literal["classification"] = "classification"
    split: Literal["val", "test"]
    samples: int
    top1_accuracy: float
    top5_accuracy: float | None  # None with five classes or fewer
    nll: float  # nats
    ece: float | None  # 15 equal-width bins (Guo et al. 2017); None where calibration was not asked for
    probability_correct: float | None
    probability_wrong: float | None
    confidence_intervals: dict[str, Interval]
    per_class: list[ClassFigures]
    confusion: list[list[int]]  # rows: truth, columns: prediction
    robustness: dict[str, Any]
    ece_equal_mass: float | None = None  # 15 bins of as many samples each
    brier: float | None = None  # 0..2: squared distance of the probabilities from the truth, summed over classes
    aurc: float | None = None  # area under the risk-coverage curve, a fraction; papers print it times 1000
    eaurc: float | None = None  # of it, what a better order of confidences could save
    confidence_wrong: float | None = None  # mean p(prediction) over wrongly predicted samples
    reliability: dict[Literal["equal_width", "equal_mass"], Reliability] = {}
    superclass_errors: SuperclassErrors | None = None


class SegmentedClass(Figures):
    name: str
    pixels: int
    images: int  # that show it
    iou: float | None  # None where neither truth nor prediction shows it
    recall: float | None
    precision: float | None


class SegmentationSplit(Figures):
    """One segmentation net on one split, at its training size. Intervals are 95 %, over images."""

    task: Literal["segmentation"]
    split: Literal["val", "test"]
    samples: int  # images
    mean_iou: float  # over the classes that truth or prediction shows
    pixel_accuracy: float
    boundary_f: float | None  # None where no image has an outline
    nll: float  # nats, mean over pixels
    ece: float | None  # of pixels, 15 equal-width bins; None where calibration was not asked for
    confidence_intervals: dict[str, Interval]
    per_class: list[SegmentedClass]
    confusion: list[list[int]]  # pixels; rows: truth, columns: prediction
    reliability: dict[Literal["equal_width"], Reliability] = {}
    robustness: dict[str, Any] = {}  # measured for classification only


class DetectedClass(Figures):
    name: str
    boxes: int
    ap: float | None  # None where the split has no box of the class
    ap50: float | None
    ar: float | None


class PrecisionRecall(Figures):
    """Of one class at IoU 0.5."""

    name: str
    recall: list[float]
    precision: list[float]


class DetectionSplit(Figures):
    """One detector on one split, by COCO's protocol at its training size. Intervals are 95 %, over images."""

    task: Literal["detection"]
    split: Literal["val", "test"]
    samples: int  # images
    boxes: int
    ap: float  # IoU 0.50 to 0.95
    ap50: float
    ap75: float
    ap_by_size: dict[Literal["small", "medium", "large"], float | None]  # None where there is no such box
    ar: float  # of at most 100 boxes an image
    ar_by_size: dict[Literal["small", "medium", "large"], float | None]
    ece: float | None  # of found boxes' scores, 15 equal-width bins; None where not asked for, or nothing was found
    confidence_intervals: dict[str, Interval]
    per_class: list[DetectedClass]
    precision_recall: list[PrecisionRecall]  # of classes that the split has boxes of
    reliability: dict[Literal["equal_width"], Reliability] = {}
    robustness: dict[str, Any] = {}  # measured for classification only


def _task_of(split: Any) -> str:
    """Evaluations that were stored before there were other tasks do not name theirs."""
    return str(split.get("task", "classification") if isinstance(split, dict) else split.task)


AnySplit = Annotated[
    Annotated[SplitEvaluation, Tag("classification")]
    | Annotated[SegmentationSplit, Tag("segmentation")]
    | Annotated[DetectionSplit, Tag("detection")],
    Discriminator(_task_of),
]


# Of a split's evaluation, what is more than a number or two.
DETAILS = frozenset(
    {
        "task",
        "per_class",
        "confusion",
        "robustness",
        "reliability",
        "superclass_errors",
        "precision_recall",
        "ap_by_size",
        "ar_by_size",
    }
)


class LayerGradient(Figures):
    layer: str
    weights: int
    mean_absolute: float


class EpochValue(Figures):
    epoch: int
    value: float


class PairedDifference(Figures):
    """Main minus control on the same images."""

    main: float
    control: float
    difference: float
    interval: Interval


class AgainstControl(Figures):
    """The method against its control, image by image on the held-out split."""

    split: Literal["val", "test"]
    samples: int
    only_main_right: int | None  # None where an image is not simply right or wrong
    only_control_right: int | None
    figures: dict[str, PairedDifference]  # the task's headline figure, and others
    verdict: Literal["main", "control", "noise"]  # by the headline figure; noise where its interval holds 0
    equal_images_seen: bool


class Selection(Figures):
    """Which arm was published, and the validation figures that decided."""

    arm: Literal["main", "control"]
    method: str  # of that arm
    rule: SelectionRule
    metric: str  # of validation, as val.top1_accuracy
    main: float | None  # None without a validation split
    control: float | None
    samples: int  # validation images
    message: str  # the same as a sentence


class UnprunedFigures(Figures):
    """The network as it was before channels were removed, on the held-out split."""

    parameters: int
    macs: int
    top1_accuracy: float
    nll: float


class SuspectedLabel(Figures):
    """An image whose label the network contradicts."""

    index: int  # in the pack, as samples are numbered
    split: Literal["train", "val", "test"]
    path: str  # in the archive
    label: str
    suggested: str
    label_probability: float
    suggested_probability: float


class SuspectedLabels(Figures):
    """Labels that confident learning suspects (Northcutt et al. 2021), the most suspect first.

    Held-out images are judged by a network that did not learn from them. Training images are judged by the network
    that learned their labels, so fewer wrong ones are found, and those with more reason.
    """

    images: dict[Literal["train", "val", "test"], int]  # that were looked at
    found: dict[Literal["held_out", "train"], int]  # listed or not
    held_out: list[SuspectedLabel]  # at most MAX_SUSPECTS
    train: list[SuspectedLabel]


MAX_SUSPECTS = 100  # of each list


class Evaluation(Figures):
    arm: Literal["main", "control"]
    method: str
    splits: dict[str, AnySplit]
    evaluation_split: Literal["test", "val"]
    images_seen: int
    train_seconds: float
    parameters: int
    macs: int
    peak_memory_bytes: int | None = None  # of training; None where it was not measured
    layer_gradients: list[LayerGradient] = []  # at the last step of training, from input to output
    gradient_l1: list[EpochValue] = []  # mean |gradient| over the same weights, at the last step of epochs
    against_control: AgainstControl | None = None  # of the main arm, once the control was evaluated
    unpruned: UnprunedFigures | None = None  # None where nothing was pruned
    selection: Selection | None = None  # of the main arm, once the control was evaluated
    suspected_labels: SuspectedLabels | None = None  # of the main arm; None where the task has no such check
