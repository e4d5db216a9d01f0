"""The training objectives, one file each: images in, losses out. `trainer.methods.method` says what they are given."""

from core.spec import CrossEntropySpec, MethodSpec, PatchSwapOnlySpec, PatchSwapSpec
from trainer.methods.cross_entropy import CrossEntropy
from trainer.methods.method import Dimensions, Method
from trainer.methods.patch_swap import PatchSwap


def build(spec: MethodSpec, dimensions: Dimensions) -> Method:  # noqa: ARG001 - until a method with heads
    match spec:
        case CrossEntropySpec():
            return CrossEntropy()
        case PatchSwapOnlySpec():
            return PatchSwap(PatchSwapSpec(**spec.model_dump(exclude={"name"}), kd_weight=0))
        case PatchSwapSpec():
            return PatchSwap(spec)
        case _:
            raise NotImplementedError(spec.name)
