"""The objectives of segmentation, one file each. Shapes: B batch, K classes, H height, W width, n pairs."""

from contract.specs import CopyPasteSpec, CrossEntropySpec, MethodSpec, PatchSwapOnlySpec, PatchSwapSpec
from trainer.methods.method import Method
from trainer.tasks.segmentation.methods.copy_paste import CopyPaste
from trainer.tasks.segmentation.methods.cross_entropy import CrossEntropy
from trainer.tasks.segmentation.methods.patch_swap import PatchSwap


def build(spec: MethodSpec, classes: list[str]) -> Method:
    match spec:
        case CrossEntropySpec():
            return CrossEntropy()
        case CopyPasteSpec():
            return CopyPaste(spec, classes)
        case PatchSwapOnlySpec():
            return PatchSwap(PatchSwapSpec(**spec.model_dump(exclude={"name"}), kd_weight=0))
        case PatchSwapSpec():
            return PatchSwap(spec)
    raise ValueError(f"{spec.name} is no method of segmentation")
