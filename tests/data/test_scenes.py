"""The scenes: the same each time, with boxes and masks that agree."""

import numpy as np

from tests.data import scenes


def test_masks_boxes_and_labels_agree() -> None:
    for scene in scenes.draw(12, seed=3):
        assert len(scene.labels) == len(scene.boxes) == scene.instances.max() > 0
        for number, (box, label) in enumerate(zip(scene.boxes.astype(int), scene.labels, strict=True), start=1):
            rows, columns = np.nonzero(scene.instances == number)
            assert [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1] == box.tolist()
            assert set(scene.mask[scene.instances == number].tolist()) == {label + 1}
        np.testing.assert_array_equal(scene.mask == 0, scene.instances == 0)


def test_letters_stand_out_from_what_lies_beneath() -> None:
    for scene in scenes.draw(12, seed=4):
        letter = scene.image[scene.instances > 0].astype(float)
        assert np.abs(letter - 127).mean() > 60


def test_same_seed_draws_the_same_and_another_does_not() -> None:
    first, again, other = (scenes.draw(3, seed=seed) for seed in (5, 5, 6))
    for one, two, three in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(one.image, two.image)
        np.testing.assert_array_equal(one.mask, two.mask)
        assert (one.image != three.image).any()
