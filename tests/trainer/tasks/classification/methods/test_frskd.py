"""Feature refinement: the loss in numpy, and a self-teacher that does not move to meet its pupil."""

import numpy as np
import pytest
import torch
from torch import Tensor

from contract.specs.methods import FrskdSpec
from tests.trainer.tasks.classification.methods import judging
from tests.trainer.tasks.classification.methods.judging import Scripted, batch, outputs
from trainer.tasks.classification.methods.frskd import Frskd

LABELS = torch.tensor([0, 3, 4, 1])


def given(seed: int = 0) -> tuple[Tensor, list[Tensor]]:
    random = np.random.default_rng(seed)
    logits = torch.from_numpy(random.normal(0, 2, (4, 5))).requires_grad_()
    maps = [torch.from_numpy(random.normal(size=(4, *shape))).requires_grad_() for shape in judging.DIMENSIONS.stages]
    return logits, maps


def method(**settings: float) -> Frskd:
    torch.manual_seed(0)
    return judging.build(FrskdSpec(**settings))


def softmax(values: np.ndarray) -> np.ndarray:
    exponents = np.exp(values)
    return exponents / exponents.sum(axis=-1, keepdims=True)


def attention(map_: np.ndarray) -> np.ndarray:
    """Loops over images and positions."""
    images, _, height, width = map_.shape
    found = np.zeros((images, height * width))
    for image in range(images):
        for row in range(height):
            for column in range(width):
                found[image, row * width + column] = np.mean(map_[image, :, row, column] ** 2)
        found[image] /= np.sqrt(np.sum(found[image] ** 2))
    return found


def test_loss():
    logits, maps = given()
    frskd = method()
    found = frskd.judge(batch(LABELS), Scripted(outputs(logits, stages=maps))).losses
    refined, teacher = frskd.pyramid(tuple(maps))
    mine, theirs = logits.detach().numpy(), teacher.detach().numpy()
    rows = np.arange(4), LABELS.numpy()
    cross_entropy = -np.log(softmax(mine)[rows]).mean() - np.log(softmax(theirs)[rows]).mean()
    soft_mine, soft_theirs = softmax(mine / 4), softmax(theirs / 4)
    kd = 16 * (soft_theirs * np.log(soft_theirs / soft_mine)).sum() / 4
    feature = sum(
        np.mean((attention(map_.detach().numpy()) - attention(better.detach().numpy())) ** 2)
        for map_, better in zip(maps, refined, strict=True)
    )
    assert found["ce_loss"].item() == pytest.approx(cross_entropy, rel=1e-9)
    assert found["kd_loss"].item() == pytest.approx(kd, rel=1e-9)
    assert found["feature_loss"].item() == pytest.approx(feature, rel=1e-9)
    assert found["loss"].item() == pytest.approx(cross_entropy + 2 * kd + 100 * feature, rel=1e-9)


def test_refined_maps_have_the_size_of_the_stages_and_twice_their_channels():
    _, maps = given()
    refined, _ = method().pyramid(tuple(maps))
    assert [each.shape for each in refined] == [(4, 8, 8, 8), (4, 12, 4, 4), (4, 16, 2, 2)]


def test_self_teacher_learns_from_the_labels_alone():
    """Its gradient is the same whatever the two distilling terms weigh; the pupil's is not."""

    def gradients(**weights: float) -> tuple[dict[str, Tensor], Tensor]:
        logits, maps = given()
        frskd = method(**weights)
        frskd.judge(batch(LABELS), Scripted(outputs(logits, stages=maps))).losses["loss"].backward()
        return {name: parameter.grad for name, parameter in frskd.named_parameters()}, logits.grad

    plain, pupil = gradients(kd_weight=0, feature_weight=0)
    taught, taught_pupil = gradients(kd_weight=5, feature_weight=500)
    assert all(torch.equal(plain[name], taught[name]) for name in plain)
    assert all(gradient.any() for name, gradient in plain.items() if name.endswith("linear.weight"))
    assert not torch.equal(pupil, taught_pupil)


def test_labels_reach_the_network_through_the_self_teacher():
    logits, maps = given()
    frskd = method(kd_weight=0, feature_weight=0)
    frskd.judge(batch(LABELS), Scripted(outputs(logits, stages=maps))).losses["loss"].backward()
    assert all(map_.grad.any() for map_ in maps)
