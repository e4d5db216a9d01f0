"""The crops of the second half of a training."""

import pytest

from contract.specs import AugmentationSpec
from trainer.augmentation import closing


@pytest.mark.parametrize(
    ("progress", "area"), [(0.0, (0.1, 0.2)), (0.499, (0.1, 0.2)), (0.5, (0.6, 1.0)), (1.0, (0.6, 1.0))]
)
def test_the_closing_crop_is_that_of_the_second_half(progress: float, area: tuple[float, float]) -> None:
    spec = AugmentationSpec(random_resized_crop=(0.1, 0.2), closing_crop=(0.6, 1.0), color_jitter=0.3)
    found = closing.at(spec, progress)
    assert (found.random_resized_crop, found.color_jitter) == (area, 0.3)


def test_without_one_nothing_changes() -> None:
    spec = AugmentationSpec(random_resized_crop=(0.1, 0.2))
    assert closing.at(spec, 0.9) is spec
