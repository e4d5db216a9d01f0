"""The objectives of detection, one file each. Shapes: B batch, A anchors, K classes, n pairs, m exchanged boxes."""

from contract.specs import CopyPasteSpec, CrossEntropySpec, MethodSpec, PatchSwapOnlySpec, PatchSwapSpec
from trainer.methods.method import Method
from trainer.tasks.detection.methods.copy_paste import CopyPaste
from trainer.tasks.detection.methods.loss import DetectionLoss
from trainer.tasks.detection.methods.patch_swap import PatchSwap
from trainer.tasks.detection.network import Detector


def build(spec: MethodSpec, detector: Detector) -> Method:
    match spec:
        case CrossEntropySpec():
            return DetectionLoss(detector)
        case CopyPasteSpec():
            return CopyPaste(spec, detector)
        case PatchSwapOnlySpec():
            return PatchSwap(PatchSwapSpec(**spec.model_dump(exclude={"name"}), kd_weight=0), detector)
        case PatchSwapSpec():
            return PatchSwap(spec, detector)
    raise ValueError(f"{spec.name} is no method of detection")
