"""The training objectives, one file each: images in, losses out. `trainer.methods.method` says what they are given."""

from contract.specs import CrossEntropySpec, MethodSpec, PatchSwapOnlySpec, PatchSwapSpec
from contract.specs.methods import (
    BakeSpec,
    ByotSpec,
    CsKdSpec,
    CutMixSpec,
    DdgsdSpec,
    DkdSpec,
    DlbSpec,
    FrskdSpec,
    KdSpec,
    LabelSmoothingSpec,
    MixSkdSpec,
    MixupSpec,
    PsKdSpec,
    TfKdRegSpec,
    TfKdSelfSpec,
    UskdSpec,
)
from trainer.methods.method import Dimensions, Method
from trainer.tasks.classification.methods.bake import Bake
from trainer.tasks.classification.methods.byot import Byot
from trainer.tasks.classification.methods.cross_entropy import CrossEntropy
from trainer.tasks.classification.methods.cs_kd import CsKd
from trainer.tasks.classification.methods.cutmix import CutMix
from trainer.tasks.classification.methods.ddgsd import Ddgsd
from trainer.tasks.classification.methods.dkd import Dkd
from trainer.tasks.classification.methods.dlb import Dlb
from trainer.tasks.classification.methods.frskd import Frskd
from trainer.tasks.classification.methods.kd import Kd
from trainer.tasks.classification.methods.label_smoothing import LabelSmoothing
from trainer.tasks.classification.methods.mixskd import MixSkd
from trainer.tasks.classification.methods.mixup import Mixup
from trainer.tasks.classification.methods.patch_swap import PatchSwap
from trainer.tasks.classification.methods.ps_kd import PsKd
from trainer.tasks.classification.methods.tf_kd_reg import TfKdReg
from trainer.tasks.classification.methods.tf_kd_self import TfKdSelf
from trainer.tasks.classification.methods.uskd import Uskd


def build(spec: MethodSpec, dimensions: Dimensions) -> Method:  # noqa: C901, PLR0911, PLR0912 - one case a method
    weights = dimensions.class_weights
    match spec:
        case CrossEntropySpec():
            return CrossEntropy(weights)
        case LabelSmoothingSpec():
            return LabelSmoothing(spec, weights)
        case MixupSpec():
            return Mixup(spec, weights)
        case CutMixSpec():
            return CutMix(spec, weights)
        case PatchSwapOnlySpec():
            return PatchSwap(PatchSwapSpec(**spec.model_dump(exclude={"name"}), kd_weight=0), weights)
        case PatchSwapSpec():
            return PatchSwap(spec, weights)
        case BakeSpec():
            return Bake(spec)
        case ByotSpec():
            return Byot(spec, dimensions)
        case DkdSpec():
            return Dkd(spec)
        case FrskdSpec():
            return Frskd(spec, dimensions)
        case KdSpec():
            return Kd(spec)
        case MixSkdSpec():
            return MixSkd(spec, dimensions)
        case TfKdSelfSpec():
            return TfKdSelf(spec)
        case UskdSpec():
            return Uskd(spec, dimensions)
        case CsKdSpec():
            return CsKd(spec)
        case DdgsdSpec():
            return Ddgsd(spec)
        case TfKdRegSpec():
            return TfKdReg(spec)
        case PsKdSpec():
            return PsKd(spec, dimensions)
        case DlbSpec():
            return Dlb(spec, dimensions)
    raise ValueError(f"{spec.name} is no method of classification")
