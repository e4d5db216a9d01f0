"""The first half learns; the second half teaches, and its labels do not count."""

import numpy as np
import pytest
import torch
from torch import nn

from contract.specs.methods import CsKdSpec
from tests.trainer.tasks.classification.methods import slow
from tests.trainer.tasks.classification.methods.judging import Scripted, batch, build, outputs
from trainer.methods.network import Student
from trainer.models import stages


def slow_loss(student, teacher, labels, spec: CsKdSpec) -> float:
    return slow.cross_entropy(student, labels) + spec.kd_weight * slow.distillation(student, teacher, spec.temperature)


@pytest.mark.parametrize("spec", [CsKdSpec(), CsKdSpec(temperature=1.5, kd_weight=3)])
def test_loss_and_gradient_agree_with_a_slow_reference(spec: CsKdSpec) -> None:
    random = np.random.default_rng(2)
    student, teacher, labels = random.normal(0, 2, (5, 4)), random.normal(0, 2, (5, 4)), random.integers(0, 4, 5)
    learner, master = (torch.from_numpy(z.copy()).requires_grad_() for z in (student, teacher))
    images = torch.arange(10.0)[:, None, None, None].expand(10, 1, 8, 8)
    network = Scripted(outputs(learner), outputs(master))

    judged = build(spec).judge(batch(torch.from_numpy(np.tile(labels, 2)), images=images), network)
    judged.losses["loss"].backward()

    assert judged.losses["loss"].item() == pytest.approx(slow_loss(student, teacher, labels, spec), rel=1e-12)
    expected = slow.gradient(lambda z: slow_loss(z, teacher, labels, spec), student)
    np.testing.assert_allclose(learner.grad.numpy(), expected, atol=1e-8)
    assert master.grad is None
    assert judged.outputs is learner
    assert judged.targets.tolist() == labels.tolist()
    assert network.with_gradient == [True, False]
    assert torch.equal(torch.cat(network.asked), images)


def test_the_teaching_half_moves_the_running_statistics() -> None:
    model = nn.Sequential(nn.Flatten(0, 2), nn.BatchNorm1d(8, momentum=1.0), nn.Linear(8, 3)).train()
    model.stage_ends = ()
    images = torch.randn(4, 1, 1, 8)
    network = Student(model, build(CsKdSpec()), precision="fp32")
    build(CsKdSpec()).judge(batch(torch.tensor([0, 1, 0, 1]), images=images), network)
    assert int(model[1].num_batches_tracked) == 2
    torch.testing.assert_close(model[1].running_mean, images[2:].mean((0, 1, 2)))
    assert stages.last_layer(model).out_features == 3
