"""Patch swap and copy-paste of boxes: what moves, what stays true, what the distillation is of."""

import numpy as np
import pytest
import torch

from contract.specs import CopyPasteSpec, ModelSpec, PatchSwapSpec
from trainer.methods.method import Batch, Draw, Method
from trainer.methods.network import Student
from trainer.tasks.detection import network
from trainer.tasks.detection.methods import build
from trainer.tasks.detection.methods.patch_swap import EXCHANGED, divergence, exchange

SIDE = 96


def draw(seed: int = 0, groups: int = 2, part: slice | None = None) -> Draw:
    return Draw(np.random.default_rng(seed), groups, part or slice(0, groups), progress=0.0)


def target(boxes: list[list[float]], labels: list[int]) -> dict[str, torch.Tensor]:
    return {"boxes": torch.tensor(boxes).float().reshape(-1, 4), "labels": torch.tensor(labels, dtype=torch.int64)}


def batch() -> tuple[torch.Tensor, list[dict[str, torch.Tensor]]]:
    """Two pairs. The first shares class 1, the second nothing. Each image has a level of its own."""
    images = torch.stack([torch.full((3, SIDE, SIDE), 20 * (at + 1)) for at in range(4)]).to(torch.uint8)
    return images, [
        target([[10, 10, 40, 50], [50, 50, 90, 90]], [1, 2]),
        target([[5, 5, 60, 60]], [0]),
        target([[20, 30, 80, 70]], [1]),
        target([[5, 5, 60, 60]], [3]),
    ]


def model(architecture: str = "fcos_resnet18_fpn") -> network.Detector:
    torch.manual_seed(0)
    return network.build(
        ModelSpec(architecture=architecture, stem="imagenet"), num_classes=4, channels=3, size=(SIDE, SIDE)
    )


def swap(**more: object) -> Method:
    return build(PatchSwapSpec(swap_probability=1, patch_size=8, **more), model())


def judged(method: Method, images: torch.Tensor, targets: list, drawn: Draw):
    made = Batch(
        images_BCHW=images.float() / 255, targets=targets, positions_B=torch.arange(4), members=2, step=0, epoch=1.0,
        epochs=2, part=0, draw=drawn,
    )  # fmt: skip
    return method.judge(made, Student(method.detector, method, precision="fp32"))


def test_crops_of_a_shared_class_change_places_and_truth_stays() -> None:
    images, targets = batch()
    before, boxes = images.clone(), [each["boxes"].clone() for each in targets]
    swap().prepare(images, targets, draw())
    assert (images[0, :, 20:40, 18:32] == 60).all()  # the middle of the first box shows the third image
    assert (images[2, :, 40:60, 35:65] == 20).all()
    outside = torch.ones(SIDE, SIDE, dtype=torch.bool)
    outside[10:50, 10:40] = False
    assert torch.equal(images[0][:, outside], before[0][:, outside])
    assert torch.equal(images[1], before[1])
    assert torch.equal(images[3], before[3])
    assert all(torch.equal(each["boxes"], kept) for each, kept in zip(targets, boxes, strict=True))
    assert [each[EXCHANGED].tolist() for each in targets] == [[0], [], [0], []]


def test_border_is_feathered() -> None:
    images, targets = batch()
    swap().prepare(images, targets, draw())
    across = images[0, 0, 30, 10:40].tolist()
    assert 20 < across[0] < across[1] < 60
    assert across[15] == 60


def test_numbers_do_not_depend_on_how_a_step_is_divided() -> None:
    images, targets = batch()
    whole = build(PatchSwapSpec(swap_probability=0.5, patch_size=8), model())
    for seed in range(6):
        together, parts = images.clone(), images.clone()
        whole.prepare(together, [dict(each) for each in targets], draw(seed))
        for place in range(2):
            rows = torch.tensor([place, 2 + place])
            some = parts[rows]
            whole.prepare(some, [dict(targets[at]) for at in rows], draw(seed, part=slice(place, place + 1)))
            parts[rows] = some
        assert torch.equal(together, parts)


def test_tiny_boxes_stay() -> None:
    first, second = torch.zeros(3, 20, 20, dtype=torch.uint8), torch.full((3, 20, 20), 9, dtype=torch.uint8)
    exchange(first, torch.tensor([3.0, 3, 4, 15]), second, torch.tensor([2.0, 2, 9, 9]))
    assert not first.any()
    assert (second == 9).all()


@pytest.mark.parametrize("architecture", ["fcos_resnet18_fpn", "ssdlite320_mobilenet_v3_large"])
def test_distillation_is_of_the_exchanged_boxes_and_reaches_the_network(architecture: str) -> None:
    method = build(PatchSwapSpec(swap_probability=1, patch_size=8, ce_weight=0.0001), model(architecture))
    images, targets = batch()
    method.prepare(images, targets, draw())
    found = judged(method, images, targets, draw())
    assert found.losses["kd_loss"] > 0
    found.losses["loss"].backward()
    assert any(parameter.grad is not None and parameter.grad.any() for parameter in method.detector.parameters())
    for each in targets:
        each[EXCHANGED] = each[EXCHANGED][:0]
    assert judged(method, images, targets, draw()).losses["kd_loss"] == 0


def test_weights_and_warm_up_enter_the_loss_as_the_spec_says() -> None:
    images, targets = batch()
    swap().prepare(images, targets, draw())
    method = build(PatchSwapSpec(swap_probability=1, patch_size=8, ce_weight=2, kd_weight=3), model())
    method.detector.eval()
    losses = judged(method, images, targets, draw()).losses
    plain = sum(losses[name] for name in ("class_loss", "box_loss", "centre_loss"))
    torch.testing.assert_close(losses["loss"].detach(), 2 * plain + 3 * losses["kd_loss"])


@pytest.mark.parametrize("exclusive", [True, False])
def test_divergence_agrees_with_a_reference(exclusive: bool) -> None:
    random = np.random.default_rng(3)
    first, second = random.normal(size=(2, 5, 4))
    spec = PatchSwapSpec(temperature=2.0, patch_size=8)
    found = divergence(torch.tensor(first), torch.tensor(second), [0] * 5, spec, exclusive=exclusive)
    np.testing.assert_allclose(float(found), 4 * (kl(second, first, exclusive) + kl(first, second, exclusive)))
    same = divergence(torch.tensor(first), torch.tensor(first), [0] * 5, spec, exclusive=exclusive)
    assert abs(float(same)) < 1e-12


def kl(teacher: np.ndarray, student: np.ndarray, exclusive: bool) -> float:
    if exclusive:
        p, q = (np.exp(z / 2) / np.exp(z / 2).sum(axis=1, keepdims=True) for z in (teacher, student))
        return float((p * np.log(p / q)).sum(axis=1).mean())
    p, q = (1 / (1 + np.exp(-z / 2)) for z in (teacher, student))
    return float((p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))).sum(axis=1).mean())


def test_pasted_boxes_bring_their_pixels_and_hide_what_they_cover() -> None:
    method = build(CopyPasteSpec(paste_probability=1), model())
    pasted = 0
    for seed in range(12):
        images, targets = batch()
        method.prepare(images, targets, draw(seed))
        for place, own in enumerate((1, 0, 3, 2)):
            del own
            for box, label in zip(targets[place]["boxes"], targets[place]["labels"], strict=True):
                x1, y1, x2, y2 = box.long().tolist()
                level = int(images[place, 0, (y1 + y2) // 2, (x1 + x2) // 2])
                donor = level // 20 - 1
                assert label in batch()[1][donor]["labels"]
                pasted += donor != place
    assert pasted > 5
