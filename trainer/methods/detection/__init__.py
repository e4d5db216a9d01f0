"""The objectives of detection, one file each. Shapes: B batch, A anchors, K classes, n pairs, m exchanged boxes."""

from contract.specs import CopyPasteSpec, CrossEntropySpec, MethodSpec, PatchSwapOnlySpec, PatchSwapSpec
from trainer.methods.detection.boxes import DetectionLoss
from trainer.methods.detection.copy_paste import CopyPaste
from trainer.methods.detection.patch_swap import PatchSwap
from trainer.methods.method import Method
from trainer.models.detection import Detector


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
