"""Self-distillation from mixup: the loss in numpy, who learns from which term, and what is mixed."""

import numpy as np
import pytest
import torch
from torch import Tensor

from contract.specs.methods import MixSkdSpec
from tests.trainer.tasks.classification.methods import judging
from tests.trainer.tasks.classification.methods.judging import Scripted, batch, outputs
from trainer.tasks.classification.methods.mixskd import Interpolated, MixSkd, Mixture, mutual_distillation, tell_apart

LABELS = torch.tensor([0, 3, 4, 1] * 2)  # the second views of the first four
TERMS = ("ce_loss", "mixed_ce_loss", "kd_loss", "feature_loss", "discriminator_loss")


def given(seed: int = 0) -> tuple[Tensor, list[Tensor]]:
    random = np.random.default_rng(seed)
    logits = torch.from_numpy(random.normal(0, 2, (8, 5))).requires_grad_()
    maps = [torch.from_numpy(random.normal(size=(8, *shape))).requires_grad_() for shape in judging.DIMENSIONS.stages]
    return logits, maps


def method(**settings: float) -> MixSkd:
    torch.manual_seed(0)
    return judging.build(MixSkdSpec(**settings))


def softmax(values: np.ndarray) -> np.ndarray:
    exponents = np.exp(values)
    return exponents / exponents.sum(axis=-1, keepdims=True)


def entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    return -np.log(softmax(logits)[np.arange(len(labels)), labels]).mean()


def divergence(student: np.ndarray, teacher: np.ndarray) -> float:
    p, q = softmax(teacher / 3), softmax(student / 3)
    return 9 * (p * np.log(p / q)).sum() / len(p)


def test_loss():
    logits, maps = given()
    mixskd = method(kd_weight=0.5, feature_weight=0.3, discriminator_weight=0.2)
    found = mixskd.judge(batch(LABELS, seed=3), Scripted(outputs(logits, stages=maps))).losses
    drawn = Mixture(batch(LABELS, seed=3), 0.4)
    share, partners = drawn.share, drawn.partners_n.numpy()

    answers, carried = [], []
    for head, map_ in zip(mixskd.heads, maps[:-1], strict=True):
        brought, answer = head(map_)
        carried.append(brought.detach().numpy())
        answers.append(answer.detach().numpy())
    answers.append(logits.detach().numpy())
    carried.append(maps[-1].detach().numpy())
    g_weight, g_bias = (p.detach().numpy() for p in mixskd.ensemble.parameters())

    def interpolate(values: np.ndarray) -> np.ndarray:
        return np.stack([share * values[i] + (1 - share) * values[partners[i]] for i in range(4)])

    def g(maps_: list[np.ndarray]) -> np.ndarray:
        return np.concatenate([m.mean(axis=(2, 3)) for m in maps_], axis=1) @ g_weight.T + g_bias

    interpolated, mixed = [interpolate(a) for a in answers], [a[4:] for a in answers]
    interpolated_maps, mixed_maps = [interpolate(m) for m in carried], [m[4:] for m in carried]
    g_interpolated, g_mixed = g(interpolated_maps), g(mixed_maps)
    labels = LABELS[:4].numpy()
    ce = sum(entropy(a[:4], labels) for a in answers)
    mixed_ce = sum(
        share * entropy(z, labels) + (1 - share) * entropy(z, labels[partners])
        for z in [*mixed, g_interpolated, g_mixed]
    )
    kd = divergence(interpolated[-1], g_mixed) + divergence(mixed[-1], g_interpolated)
    kd += sum(divergence(interpolated[i], mixed[i]) + divergence(mixed[i], interpolated[i]) for i in range(2))
    feature = sum(np.mean((a - b) ** 2) for a, b in zip(interpolated_maps, mixed_maps, strict=True))
    discrimination = 0.0
    for discriminator, a, b in zip(mixskd.discriminators, interpolated_maps, mixed_maps, strict=True):
        first, _, second = discriminator
        for maps_, sign in ((a, 1), (b, -1)):
            hidden = maps_.mean(axis=(2, 3)) @ first.weight.detach().numpy().T + first.bias.detach().numpy()
            said = np.maximum(hidden, 0) @ second.weight.detach().numpy().T + second.bias.detach().numpy()
            discrimination += np.log1p(np.exp(-sign * said)).sum() / 8
    for name, wanted in zip(TERMS, (ce, mixed_ce, kd, feature, discrimination), strict=True):
        assert found[name].item() == pytest.approx(wanted, rel=1e-9), name
    wanted = ce + mixed_ce + 0.5 * kd + 0.3 * feature + 0.2 * discrimination
    assert found["loss"].item() == pytest.approx(wanted, rel=1e-9)


def test_second_half_of_the_images_is_mixtures_of_the_first():
    logits, maps = given()
    images = torch.randn(8, 1, 8, 8, dtype=torch.float64)
    network = Scripted(outputs(logits, stages=maps))
    method().judge(batch(LABELS, images=images, seed=3), network)
    drawn = Mixture(batch(LABELS, seed=3), 0.4)
    (asked,) = network.asked
    assert torch.equal(asked[:4], images[:4])
    for i, partner in enumerate(drawn.partners_n.tolist()):
        assert torch.allclose(asked[4 + i], drawn.share * images[i] + (1 - drawn.share) * images[partner])
    assert sorted(drawn.partners_n.tolist()) == [0, 1, 2, 3]
    assert 0 <= drawn.share <= 1


def test_a_part_of_a_step_mixes_in_the_same_share():
    whole = Mixture(batch(torch.zeros(16, dtype=torch.int64), seed=5), 0.4)
    part = batch(torch.zeros(8, dtype=torch.int64), seed=5)
    part = type(part)(**part.__dict__ | {"draw": judging.draw(8, seed=5, part=slice(4, 8))})
    half = Mixture(part, 0.4)
    assert half.share == whole.share
    assert sorted(half.partners_n.tolist()) == [0, 1, 2, 3]


def test_nobody_who_teaches_learns_by_it():
    """Each divergence moves its student alone."""
    random = np.random.default_rng(0)
    made = [torch.from_numpy(random.normal(size=(4, 5))).requires_grad_() for _ in range(4)]
    interpolated, mixed, of_interpolated, of_mixed = made
    found = mutual_distillation(Interpolated([interpolated], [mixed]), [of_interpolated, of_mixed], 3)
    found.backward()
    assert of_interpolated.grad is None
    assert of_mixed.grad is None
    wanted = 3 * (softmax(interpolated.detach().numpy() / 3) - softmax(of_mixed.detach().numpy() / 3)) / 4
    assert interpolated.grad.numpy() == pytest.approx(wanted)

    shallow = [torch.from_numpy(random.normal(size=(4, 5))).requires_grad_() for _ in range(2)]
    answers = Interpolated([shallow[0], interpolated], [shallow[1], mixed])
    mutual_distillation(answers, [of_interpolated, of_mixed], 3).backward()
    first, second = (softmax(z.detach().numpy() / 3) for z in shallow)
    assert shallow[0].grad.numpy() == pytest.approx(3 * (first - second) / 4)
    assert shallow[1].grad.numpy() == pytest.approx(3 * (second - first) / 4)


def test_ensemble_learns_the_labels():
    """The repository's own code forgets this term, and its ensemble stays as it was drawn."""
    logits, maps = given()
    mixskd = method(kd_weight=0, feature_weight=0, discriminator_weight=0)
    mixskd.judge(batch(LABELS), Scripted(outputs(logits, stages=maps))).losses["loss"].backward()
    assert mixskd.ensemble.weight.grad.any()


def test_a_discriminator_that_knows_pays_nothing():
    first, second = torch.full((4, 8, 1, 1), 9.0), torch.full((4, 8, 1, 1), -9.0)
    assert tell_apart(lambda pooled: 5 * pooled[:, :1], first, second).item() == pytest.approx(0, abs=1e-6)
    assert tell_apart(lambda pooled: -5 * pooled[:, :1], first, second).item() == pytest.approx(45, abs=1e-3)
