"""Crop, flip and normalisation against one image at a time."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from contract.specs import AugmentationSpec
from contract.specs.normalisation import Normalisation
from portable import preprocess
from trainer.augmentation.crops import batch_crop, batch_flip
from trainer.augmentation.normalise import Normalise
from trainer.augmentation.whole_images import augment


def augmented(images, spec, *, seed):
    """A step of one member, undivided."""
    return augment(images, spec, np.random.default_rng(seed), step=(1, len(images)), part=slice(None))


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.sampled_from([1, 3]), st.integers(1, 4))
def test_crop_is_the_window_of_the_padded_image(seed, count, channels, padding):
    random = np.random.default_rng(seed)
    images = random.integers(1, 256, (count, channels, 6, 9), dtype=np.uint8)
    offsets = random.integers(0, 2 * padding + 1, (2, count))
    found = batch_crop(torch.from_numpy(images), torch.from_numpy(offsets), padding=padding).numpy()
    padded = np.pad(images, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    for index, (top, left) in enumerate(offsets.T):
        np.testing.assert_array_equal(found[index], padded[index, :, top : top + 6, left : left + 9])


def test_flip_mirrors_the_chosen_images():
    images = torch.arange(2 * 3 * 4 * 5, dtype=torch.uint8).view(2, 3, 4, 5)
    found = batch_flip(images, torch.tensor([True, False]))
    assert torch.equal(found[0], images[0].flip(-1))
    assert torch.equal(found[1], images[1])


def test_augmentation_follows_its_random_stream_alone():
    images = torch.randint(0, 256, (8, 3, 16, 16), dtype=torch.uint8)
    spec = AugmentationSpec(crop_padding=4)
    one, same, other = (augmented(images.clone(), spec, seed=seed) for seed in (5, 5, 6))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_no_augmentation_is_the_identity():
    images = torch.randint(0, 256, (8, 3, 16, 16), dtype=torch.uint8)
    spec = AugmentationSpec(crop_padding=0, horizontal_flip=False)
    assert torch.equal(augmented(images, spec, seed=0), images)


@pytest.mark.parametrize(("mean", "std"), [([0.4], [0.2]), ([0.5, 0.4, 0.3], [0.2, 0.3, 0.25])])
def test_normalisation_is_the_rule_that_infer_follows(mean, std):
    images = torch.randint(0, 256, (4, len(mean), 8, 12), dtype=torch.uint8)
    found = Normalise(Normalisation(mean=mean, std=std), torch.device("cpu"))(images)
    expected = preprocess.normalise(images.permute(0, 2, 3, 1).numpy(), mean, std)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-6)
    assert found.is_contiguous(memory_format=torch.channels_last)
