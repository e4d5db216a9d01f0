"""Batch knowledge ensembling: the target is the end of an endless propagation, and a probability."""

import numpy as np
import pytest
import torch

from contract.specs.methods import BakeSpec
from tests.trainer.tasks.classification.methods import judging
from tests.trainer.tasks.classification.methods.judging import Scripted, batch, outputs
from trainer.tasks.classification.methods.bake import ensemble

LABELS = torch.tensor([0, 0, 1, 1, 2, 2, 4, 4])


def given(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(0, 2, (8, 5)), random.normal(0, 1, (8, 6))


def softmax(values: np.ndarray) -> np.ndarray:
    exponents = np.exp(values - values.max(axis=-1, keepdims=True))
    return exponents / exponents.sum(axis=-1, keepdims=True)


def propagated(logits: np.ndarray, features: np.ndarray, *, weight: float, temperature: float) -> np.ndarray:
    """Q <- w A Q + (1 - w) P until it no longer moves: what the inverse gives at once."""
    directions = features / np.sqrt((features**2).sum(axis=1, keepdims=True))
    likeness = np.zeros((len(logits), len(logits)))
    for row in range(len(logits)):
        others = [other for other in range(len(logits)) if other != row]
        likeness[row, others] = softmax(np.array([directions[row] @ directions[other] for other in others]))
    own = softmax(logits / temperature)
    target = own
    for _ in range(2_000):
        target = weight * likeness @ target + (1 - weight) * own
    return target


@pytest.mark.parametrize("weight", [0.0, 0.5, 0.9])
def test_loss(weight: float):
    logits, features = given()
    spec = BakeSpec(ensembling_weight=weight, kd_weight=0.7)
    network = Scripted(outputs(torch.from_numpy(logits), torch.from_numpy(features)))
    found = judging.build(spec).judge(batch(LABELS, members=4), network).losses
    target, student = propagated(logits, features, weight=weight, temperature=4), softmax(logits / 4)
    divergence = (target * (np.log(target) - np.log(student))).sum() / 8
    cross_entropy = -np.log(softmax(logits)[np.arange(8), LABELS.numpy()]).mean()
    assert found["ce_loss"].item() == pytest.approx(cross_entropy, rel=1e-12)
    assert found["kd_loss"].item() == pytest.approx(16 * divergence, rel=1e-9, abs=1e-12)
    assert found["loss"].item() == pytest.approx(cross_entropy + 0.7 * 16 * divergence, rel=1e-9)


def test_targets_are_probabilities_in_single_precision_too():
    """A confident answer leaves others of 1e-30, far below the rounding of those beside them."""
    random = np.random.default_rng(1)
    features = torch.from_numpy(random.normal(size=(256, 64))).float()
    soft = torch.softmax(torch.from_numpy(random.normal(0, 60, (256, 20))).float(), dim=1)
    target = ensemble(features, soft, 0.9)
    assert (target >= 0).all()
    assert torch.allclose(target.sum(dim=1), torch.ones(256), atol=1e-4)
    logits = torch.from_numpy(random.normal(0, 200, (256, 20))).float().requires_grad_()
    network = Scripted(outputs(logits, features))
    loss = judging.build(BakeSpec(ensembling_weight=0.9)).judge(batch(torch.arange(256) % 20, members=4), network)
    loss.losses["loss"].backward()
    assert torch.isfinite(logits.grad).all()


def test_targets_and_features_get_no_gradient():
    logits, features = (torch.from_numpy(values).requires_grad_() for values in given())
    network = Scripted(outputs(logits, features))
    judging.build(BakeSpec()).judge(batch(LABELS, members=4), network).losses["loss"].backward()
    assert features.grad is None
    rows, columns = np.arange(8), LABELS.numpy()
    onehot = np.zeros((8, 5))
    onehot[rows, columns] = 1
    plain = logits.detach().numpy()
    target = propagated(plain, features.detach().numpy(), weight=0.5, temperature=4)
    wanted = (softmax(plain) - onehot) / 8 + 4 * (softmax(plain / 4) - target) / 8
    assert logits.grad.numpy() == pytest.approx(wanted, rel=1e-9)
