"""Universal self-KD: soft labels by rank, written out with loops, and shares that learn nothing."""

from math import exp, log

import numpy as np
import pytest
import torch
from torch import Tensor

from contract.specs.methods import UskdSpec
from tests.trainer.tasks.classification.methods import judging
from tests.trainer.tasks.classification.methods.judging import Scripted, batch, outputs
from trainer.tasks.classification.methods.uskd import Uskd, non_target_loss

LABELS = torch.tensor([0, 3, 4, 1, 2, 2])


def given(seed: int = 0) -> tuple[Tensor, list[Tensor]]:
    random = np.random.default_rng(seed)
    logits = torch.from_numpy(random.normal(0, 2, (6, 5))).requires_grad_()
    maps = [torch.from_numpy(random.normal(size=(6, *shape))).requires_grad_() for shape in judging.DIMENSIONS.stages]
    return logits, maps


def method(**settings: float) -> Uskd:
    torch.manual_seed(0)
    return judging.build(UskdSpec(**settings))


def softmax(row: list[float]) -> list[float]:
    total = sum(exp(value) for value in row)
    return [exp(value) / total for value in row]


def reference(strong: list[list[float]], weak: list[list[float]]) -> tuple[float, float, float]:
    """L_t, L_nt and L_weak with smoothing .1, image by image and class by class."""
    labels = LABELS.tolist()
    known = [softmax(row)[label] for row, label in zip(strong, labels, strict=True)]
    mean_square = sum(p**2 for p in known) / 6
    target = sum(-(p**2 + 1 - mean_square) * log(p) for p in known) / 6
    non_target = weak_loss = 0.0
    for row, weak_row, label in zip(strong, weak, labels, strict=True):
        s, w = softmax(row), softmax(weak_row)
        likely = {i: w[i] / (1 - w[label]) + s[i] / (1 - s[label]) for i in range(5) if i != label}
        ranked = sorted(likely, key=likely.__getitem__, reverse=True)
        harmonic = sum(1 / rank for rank in range(1, 5))
        rest = sum(exp(row[i]) for i in range(5) if i != label)
        for rank, i in enumerate(ranked, start=1):
            non_target -= (1 / rank) / harmonic * log(exp(row[i]) / rest) / 6
        for i in range(5):
            weak_loss -= (0.9 if i == label else 0.1 / 4) * log(w[i]) / 6
    return target, non_target, weak_loss


def test_loss():
    logits, maps = given()
    uskd = method(target_weight=0.2, non_target_weight=0.3, weak_weight=0.4)
    found = uskd.judge(batch(LABELS), Scripted(outputs(logits, stages=maps))).losses
    pooled = maps[-2].detach().numpy().sum(axis=(2, 3)) / 16
    weak = pooled @ uskd.weak.weight.detach().numpy().T + uskd.weak.bias.detach().numpy()
    target, non_target, weak_loss = reference(logits.tolist(), weak.tolist())
    labels = LABELS.tolist()
    ce = sum(-log(softmax(row)[y]) for row, y in zip(logits.tolist(), labels, strict=True)) / 6
    assert found["target_loss"].item() == pytest.approx(target, rel=1e-9)
    assert found["non_target_loss"].item() == pytest.approx(non_target, rel=1e-9)
    assert found["weak_loss"].item() == pytest.approx(weak_loss, rel=1e-9)
    wanted = ce + 0.2 * target + 0.3 * non_target + 0.4 * weak_loss
    assert found["loss"].item() == pytest.approx(wanted, rel=1e-9)


def test_two_classes_leave_nothing_to_rank():
    logits = torch.randn(3, 2, dtype=torch.float64)
    assert non_target_loss(logits, logits, torch.tensor([0, 1, 1])).item() == 0


def test_certain_answers_are_ranked_all_the_same():
    """p of the label rounds to 1 there, and 1 - p to 0."""
    logits = torch.tensor([[1e4, 3.0, 2.0, 1.0, 0.0]], requires_grad=True)
    loss = non_target_loss(logits, logits, torch.tensor([0]))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


def test_soft_labels_get_no_gradient():
    """With the label's weight and the shares held fixed, the gradient is the formula's."""
    logits, maps = given()
    uskd = method(target_weight=1, non_target_weight=1, weak_weight=0)
    uskd.judge(batch(LABELS), Scripted(outputs(logits, stages=maps))).losses["loss"].backward()
    assert not maps[-2].grad.any()
    assert not any(parameter.grad.any() for parameter in uskd.parameters())
    plain = logits.detach().numpy()
    weak = maps[-2].detach().numpy().mean(axis=(2, 3)) @ uskd.weak.weight.detach().numpy().T
    weak += uskd.weak.bias.detach().numpy()
    known = [softmax(row)[label] for row, label in zip(plain.tolist(), LABELS.tolist(), strict=True)]
    wanted = np.zeros((6, 5))
    for image, label in enumerate(LABELS.tolist()):
        s, w = softmax(plain[image].tolist()), softmax(weak[image].tolist())
        weight = 1 + known[image] ** 2 + 1 - sum(p**2 for p in known) / 6  # of CE and of L_t
        others = [i for i in range(5) if i != label]
        ranked = sorted(others, key=lambda i: -(w[i] / (1 - w[label]) + s[i] / (1 - s[label])))
        for i in range(5):
            wanted[image, i] = weight * (s[i] - (i == label))
        for i in others:
            wanted[image, i] += s[i] / (1 - s[label]) - 1 / (1 + ranked.index(i)) / (1 + 1 / 2 + 1 / 3 + 1 / 4)
    assert logits.grad.numpy() == pytest.approx(wanted / 6, rel=1e-9, abs=1e-12)
