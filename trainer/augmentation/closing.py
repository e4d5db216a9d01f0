"""What changes in the course of a training: milder crops at its end.

A network that has only seen enlarged parts of images expects larger objects than it is tested on (Touvron et al. 2019),
and what it learns of whole images it learns at the end. Detectors close their mosaic for the same reason.
"""

from contract.specs import AugmentationSpec

SHARE = 0.5  # of the training [U]


def at(spec: AugmentationSpec, progress: float) -> AugmentationSpec:
    """The augmentation at this share of the training."""
    if spec.closing_crop and progress >= 1 - SHARE:
        return spec.model_copy(update={"random_resized_crop": spec.closing_crop})
    return spec
