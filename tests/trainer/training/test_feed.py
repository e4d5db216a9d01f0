"""A batch is a function of (seed, step), whatever was asked for before."""

from pathlib import Path

import numpy as np
import pytest
import torch

from contract.specs import plan
from tests.data import packs
from tests.trainer.conftest import body, spec_for
from tests.trainer.tasks.classification.methods.judging import DIMENSIONS
from trainer import tasks
from trainer.data.pack import open_pack
from trainer.tasks.classification import methods
from trainer.training.feed import Feed
from trainer.training.step_parts import Part, divide


@pytest.fixture(params=[False, True], ids=["resident", "decoded ahead"])
def pack(request: pytest.FixtureRequest, tmp_path: Path):
    """Every image is one gray level, which tells its class."""
    labels = np.arange(48) % 4
    images = [np.full((8, 8, 1), 60 * label + 10, np.uint8) for label in labels]
    packs.write(tmp_path, images, labels=labels, splits=np.repeat([0, 2], [40, 8]), encoded=request.param)
    return open_pack(tmp_path)


def feed_for(pack, *, seed: int = 0, padding: int = 0, method: str = "patch_swap", **crops: object) -> Feed:
    augmentation = {"horizontal_flip": False, **(crops or {"crop_padding": padding})}
    training = body()["training"] | {"augmentation": augmentation}
    spec = spec_for(pack, seed=seed, training=training, method={"name": method})
    steps = plan(spec, pack.manifest)
    method = methods.build(spec.method, DIMENSIONS)
    return Feed(
        spec,
        steps,
        task=tasks.choose("classification"),
        pack=pack,
        method=method,
        device=torch.device("cpu"),
        budget=10**6,
    )


def whole(feed: Feed, step: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A step's images and labels, undivided."""
    batch = feed.batch(step, Part(0, 0, 16, 1.0))
    return batch.images_BCHW, batch.labels_B


def test_labels_belong_to_their_images(pack) -> None:
    images, labels = whole(feed_for(pack), 0)
    assert images.shape == (32, 1, 8, 8)
    levels = (images * pack.manifest.std[0] + pack.manifest.mean[0]) * 255
    assert torch.equal(levels.mean((1, 2, 3)).round().long(), 60 * labels + 10)


def test_the_closing_crop_begins_in_the_middle_of_the_training(tmp_path: Path) -> None:
    """Images of one bright pixel in a corner: only a whole image shows it."""
    images = [np.zeros((8, 8, 1), np.uint8) for _ in range(40)]
    for image in images:
        image[0, 0] = 255
    packs.write(tmp_path, images, labels=np.arange(40) % 4, splits=np.repeat([0, 2], [32, 8]))
    crops = {"random_resized_crop": [0.05, 0.06], "closing_crop": [1, 1]}
    feed = feed_for(open_pack(tmp_path), method="cross_entropy", **crops)
    middle, end = feed._plan.steps // 2, feed._plan.steps
    corner = [float((whole(feed, step)[0].amax((1, 2, 3)) > 0).float().mean()) for step in range(end)]
    assert max(corner[:middle]) < 0.5
    assert min(corner[middle:]) > 0.5


def test_batch_does_not_depend_on_what_was_asked_before(pack) -> None:
    one, other = feed_for(pack, padding=2), feed_for(pack, padding=2)
    in_order = [whole(one, step) for step in range(4)]
    for step in (3, 0, 2, 2, 1):
        for found, expected in zip(whole(other, step), in_order[step], strict=True):
            assert torch.equal(found, expected)


def test_every_step_and_seed_has_its_own_augmentation(pack) -> None:
    def crops(seed: int, step: int) -> list[float]:
        feed = feed_for(pack, seed=seed, padding=3, method="cross_entropy")
        return (whole(feed, step)[0] < -pack.manifest.mean[0] / pack.manifest.std[0] + 1e-4).sum((1, 2, 3)).tolist()

    drawn = [crops(0, 0), crops(0, 1), crops(1, 0)]
    assert drawn[0] != drawn[1] != drawn[2] != drawn[0]


@pytest.mark.parametrize("parts", [2, 3])
def test_a_step_in_parts_holds_the_same_images(pack, parts: int) -> None:
    feed = feed_for(pack, padding=2)
    images, labels = (values.unflatten(0, (2, 16)) for values in whole(feed_for(pack, padding=2), 1))
    for part in divide(16, devices=1, rank=0, accumulate=parts):
        found = feed.batch(1, part)
        assert torch.equal(found.images_BCHW, images[:, part.groups].flatten(0, 1))
        assert torch.equal(found.labels_B, labels[:, part.groups].flatten())
