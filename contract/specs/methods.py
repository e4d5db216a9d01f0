"""The methods a spec may name, and their settings. Formulas and sources: `trainer/tasks/*/methods/`, one file each.

What a method needs of the data is said here, because the api must know it without the trainer: how a step's images are
arranged (`arrangement`), whether it keeps a state by sample or by batch (`stateful`), whether it needs a teacher.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from contract.strict import LATER, Strict
from contract.tasks import TaskName

# passes: two independent passes over the images. The others see an image, or its kin, twice or more in a step:
# pairs: n anchors, then a same-class partner of each; views: n anchors, then the same again, augmented anew;
# instances: each anchor with several of its class; previous: n new images, then those of the step before.
Arrangement = Literal["passes", "pairs", "views", "instances", "previous"]

ALL_TASKS: tuple[TaskName, ...] = ("classification", "segmentation", "detection")

Temperature = Annotated[float, Field(gt=0, le=100)]
Weight = Annotated[float, Field(ge=0, le=1000)]
Share = Annotated[float, Field(ge=0, le=1)]
PatchSize = Annotated[int, Field(ge=1, le=256)] | Literal["auto"]
TeacherId = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class Method(Strict):
    """What all methods' settings have in common: what the method needs, which is not the customer's to set."""

    tasks: ClassVar[tuple[TaskName, ...]] = ("classification",)
    arrangement: ClassVar[Arrangement] = "passes"
    reads_stages: ClassVar[bool] = False  # maps at the ends of the network's stages
    stateful: ClassVar[bool] = False  # keeps more than weights from step to step; cannot be split over devices
    weighs_classes: ClassVar[bool] = False  # whether its loss can weigh an image by its class

    @property
    def members(self) -> int:
        """How many images of a step belong together."""
        return 2

    @property
    def needs_class_mates(self) -> bool:
        return self.arrangement in ("pairs", "instances")


class CrossEntropySpec(Method):
    """Plain cross-entropy: the control. Of detection: the network's own loss."""

    tasks: ClassVar[tuple[TaskName, ...]] = ALL_TASKS
    weighs_classes: ClassVar[bool] = True
    name: Literal["cross_entropy"] = "cross_entropy"


class LabelSmoothingSpec(Method):
    """Cross-entropy with a softened label."""

    weighs_classes: ClassVar[bool] = True
    name: Literal["label_smoothing"] = "label_smoothing"
    smoothing: float = Field(0.1, gt=0, lt=1, description="Probability given to all other classes together.")


class MixupSpec(Method):
    """Convex mixtures of two images and their labels."""

    weighs_classes: ClassVar[bool] = True
    name: Literal["mixup"] = "mixup"
    alpha: float = Field(0.4, gt=0, le=10, description="Of the Beta(alpha, alpha) that mixes.")


class CutMixSpec(Method):
    """A box of one image pasted into another, labels mixed by area."""

    weighs_classes: ClassVar[bool] = True
    name: Literal["cutmix"] = "cutmix"
    alpha: float = Field(1.0, gt=0, le=10, description="Of the Beta(alpha, alpha) that gives the box its area.")


class SwappingSpec(Method):
    """What the methods that exchange patches between class mates have in common."""

    tasks: ClassVar[tuple[TaskName, ...]] = ALL_TASKS
    arrangement: ClassVar[Arrangement] = "pairs"
    weighs_classes: ClassVar[bool] = True

    patch_size: PatchSize = Field(
        "auto", description="Pixels; must divide height and width. auto: the largest divisor up to a quarter."
    )
    swap_probability: Share = Field(0.5, description="Per pair.")
    closing_share: Annotated[Share, LATER] = Field(
        0.0, description="Share of the training, at its end, in which nothing is exchanged."
    )
    pair_sampling: Literal["with_replacement", "without_replacement"] = Field(
        "with_replacement", description="Whether an image may be a partner more than once in an epoch."
    )


class CopyPasteSpec(Method):
    """Objects of one image pasted onto another (Ghiasi et al. 2021)."""

    tasks: ClassVar[tuple[TaskName, ...]] = ("segmentation", "detection")
    name: Literal["copy_paste"] = "copy_paste"
    paste_probability: Share = Field(0.5, description="Per image.")


class PatchSwapOnlySpec(SwappingSpec):
    """Patch swap as augmentation: the ablation with no distillation term."""

    name: Literal["patch_swap_only"] = "patch_swap_only"


class PatchSwapSpec(SwappingSpec):
    """Intra-class patch swap with self-distillation (arXiv 2505.14124)."""

    name: Literal["patch_swap"] = "patch_swap"
    temperature: Temperature = 4.0
    ce_weight: Weight = 1.0
    kd_weight: Weight = 1.0
    kd_warmup_epochs: int = Field(
        0, ge=0, le=10_000, description="Epochs over which kd_weight grows linearly from zero."
    )
    kd_direction: Literal["symmetric", "confident_to_weak", "one_way"] = "symmetric"


class CsKdSpec(Method):
    """Class-wise self-distillation (Yun et al. 2020): a same-class image teaches."""

    arrangement: ClassVar[Arrangement] = "pairs"
    name: Literal["cs_kd"] = "cs_kd"
    temperature: Temperature = 4.0
    kd_weight: Weight = Field(1.0, description="3 in the source on fine-grained data.")


class DdgsdSpec(Method):
    """Data-distortion guided self-distillation (Xu and Liu 2019): two augmentations of an image teach each other."""

    arrangement: ClassVar[Arrangement] = "views"
    name: Literal["ddgsd"] = "ddgsd"
    temperature: Temperature = 4.0
    kd_weight: Weight = 1.0
    mmd_weight: Weight = 5e-4


class TaughtSpec(Method):
    """What the methods with a trained, frozen teacher have in common."""

    teacher: TeacherId = Field(description="The model of an earlier job with these classes.")


class TfKdSelfSpec(TaughtSpec):
    """Teacher-free KD by self-training (Yuan et al. 2020): the teacher is of the student's own architecture."""

    name: Literal["tf_kd_self"] = "tf_kd_self"
    alpha: Share = 0.95
    temperature: Temperature = 6.0
    multiplier: Weight = 50.0


class TfKdRegSpec(Method):
    """Teacher-free KD by a hand-made teacher (Yuan et al. 2020)."""

    name: Literal["tf_kd_reg"] = "tf_kd_reg"
    alpha: Share = 0.1
    temperature: Temperature = 20.0
    multiplier: Weight = 100.0
    correct_probability: float = Field(0.99, gt=0, lt=1)


class PsKdSpec(Method):
    """Progressive self-KD (Kim et al. 2021): the label is mixed with what was predicted an epoch ago."""

    stateful: ClassVar[bool] = True
    name: Literal["ps_kd"] = "ps_kd"
    alpha: Share = Field(0.8, description="Weight of the earlier prediction in the last epoch; grows linearly.")


class ByotSpec(Method):
    """Be your own teacher (Zhang et al. 2019): shallow heads learn from the deepest."""

    reads_stages: ClassVar[bool] = True
    name: Literal["byot"] = "byot"
    alpha: Share = 0.1
    temperature: Temperature = 3.0
    feature_weight: Weight = 1e-6


class DlbSpec(Method):
    """Self-distillation from the last mini-batch (Shen et al. 2022)."""

    arrangement: ClassVar[Arrangement] = "previous"
    stateful: ClassVar[bool] = True
    name: Literal["dlb"] = "dlb"
    temperature: Temperature = 3.0
    kd_weight: Weight = 1.0


class BakeSpec(Method):
    """Batch knowledge ensembling (Ge et al. 2021): targets are propagated between the images of a batch."""

    arrangement: ClassVar[Arrangement] = "instances"
    name: Literal["bake"] = "bake"
    instances: int = Field(4, ge=2, le=16, description="Images of a class together: an anchor and its mates.")
    ensembling_weight: float = Field(0.5, ge=0, lt=1)
    temperature: Temperature = 4.0
    kd_weight: Weight = 1.0

    @property
    def members(self) -> int:
        return self.instances


class MixSkdSpec(Method):
    """Self-distillation from mixup (Yang et al. 2022). Half of a step's images are mixtures of the other half."""

    reads_stages: ClassVar[bool] = True
    arrangement: ClassVar[Arrangement] = "views"
    name: Literal["mixskd"] = "mixskd"
    alpha: float = Field(0.4, gt=0, le=10, description="Of the Beta(alpha, alpha) that mixes.")
    temperature: Temperature = 3.0
    kd_weight: Weight = 1.0
    feature_weight: Weight = 1.0
    discriminator_weight: Weight = 1.0


class FrskdSpec(Method):
    """Feature refinement via self-KD (Ji et al. 2021): a bidirectional feature pyramid teaches the trunk."""

    reads_stages: ClassVar[bool] = True
    name: Literal["frskd"] = "frskd"
    temperature: Temperature = 4.0
    kd_weight: Weight = 2.0
    feature_weight: Weight = 100.0


class UskdSpec(Method):
    """Universal self-KD (Yang et al. 2023): soft labels made of the student's own logits."""

    reads_stages: ClassVar[bool] = True
    name: Literal["uskd"] = "uskd"
    target_weight: Weight = 0.1
    non_target_weight: Weight = 0.1
    weak_weight: Weight = 0.1
    smoothing: float = Field(0.1, gt=0, lt=1, description="Of the weak head's label.")


class KdSpec(TaughtSpec):
    """Knowledge distillation from a trained teacher (Hinton et al. 2015)."""

    name: Literal["kd"] = "kd"
    temperature: Temperature = 4.0
    ce_weight: Weight = 0.1
    kd_weight: Weight = 0.9


class DkdSpec(TaughtSpec):
    """Decoupled knowledge distillation from a trained teacher (Zhao et al. 2022)."""

    name: Literal["dkd"] = "dkd"
    temperature: Temperature = 4.0
    target_weight: Weight = 1.0
    non_target_weight: Weight = 8.0
    warmup_epochs: int = Field(20, ge=0, le=10_000, description="Over which the distillation grows linearly.")


MethodSpec = Annotated[
    CrossEntropySpec
    | LabelSmoothingSpec
    | MixupSpec
    | CutMixSpec
    | CopyPasteSpec
    | PatchSwapSpec
    | PatchSwapOnlySpec
    | CsKdSpec
    | DdgsdSpec
    | TfKdSelfSpec
    | TfKdRegSpec
    | PsKdSpec
    | ByotSpec
    | DlbSpec
    | BakeSpec
    | MixSkdSpec
    | FrskdSpec
    | UskdSpec
    | KdSpec
    | DkdSpec,
    Field(discriminator="name"),
]
