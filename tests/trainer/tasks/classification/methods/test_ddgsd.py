"""Two views teach each other; the means of their features are drawn together."""

import numpy as np
import pytest
import torch

from contract.specs.methods import DdgsdSpec
from tests.trainer.tasks.classification.methods import slow
from tests.trainer.tasks.classification.methods.judging import Scripted, batch, build, outputs


def slow_loss(logits, features, labels, spec: DdgsdSpec, *, teachers=None) -> float:
    """`teachers`: the logits that teach, held fixed."""
    half, teachers = len(logits) // 2, logits if teachers is None else teachers
    entropy = (slow.cross_entropy(logits[:half], labels) + slow.cross_entropy(logits[half:], labels)) / 2
    mutual = slow.distillation(logits[:half], teachers[half:], spec.temperature)
    mutual += slow.distillation(logits[half:], teachers[:half], spec.temperature)
    first, second = (sum(map(sum, rows)) / (half * len(rows[0])) for rows in (features[:half], features[half:]))
    return entropy + spec.kd_weight * mutual + spec.mmd_weight * (first - second) ** 2


@pytest.mark.parametrize("spec", [DdgsdSpec(), DdgsdSpec(temperature=2, kd_weight=0.3, mmd_weight=5)])
def test_loss_and_gradients_agree_with_a_slow_reference(spec: DdgsdSpec) -> None:
    random = np.random.default_rng(3)
    logits, features, labels = random.normal(0, 2, (8, 4)), random.normal(1, 2, (8, 3)), random.integers(0, 4, 4)
    z, f = (torch.from_numpy(values.copy()).requires_grad_() for values in (logits, features))
    method = build(spec)
    assert (method.reads_features, spec.arrangement) == (True, "views")

    judged = method.judge(batch(torch.from_numpy(np.tile(labels, 2))), Scripted(outputs(z, f)))
    judged.losses["loss"].backward()

    assert judged.losses["loss"].item() == pytest.approx(slow_loss(logits, features, labels, spec), rel=1e-12)
    expected = slow.gradient(lambda x: slow_loss(x, features, labels, spec, teachers=logits), logits)
    np.testing.assert_allclose(z.grad.numpy(), expected, atol=1e-8)
    expected = slow.gradient(lambda x: slow_loss(logits, x, labels, spec), features)
    np.testing.assert_allclose(f.grad.numpy(), expected, atol=1e-8)
    assert set(judged.losses) == {"loss", "ce_loss", "kd_loss", "mmd_loss"}
    assert len(judged.outputs) == 8
