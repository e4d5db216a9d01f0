"""Patch swap for boxes [U]: two images that share a class exchange the crops of a box of it.

The paper claims gains for detection [V]; its set-up was not available to us, and this reading is ours. Of each class
that both images of a pair show, one box of each is drawn. Their crops change places, resized to fit and feathered at
the border, so every box and label stays true.

    loss = ce_weight * L(both images) + kd_weight * T^2 [KL(sg pb || pa) + KL(sg pa || pb)]

L is the network's own loss. pa and pb are what the network says of the two boxes: the mean of the class logits of the
anchors (FCOS: locations) that are assigned to the box, softened by T. Where classes do not exclude each other, KL is
that of each class's yes and no, summed. A mean over exchanged boxes that have anchors on both sides.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from contract.specs import PatchSwapSpec
from trainer.methods.method import Batch, Draw, Judged
from trainer.methods.network import Network
from trainer.methods.patches import kd_weight_at, swap_probability_at
from trainer.tasks.detection.methods.loss import DetectionLoss
from trainer.tasks.detection.network import Detector, Maps, Targets

FEATHER_SHARE = 0.1  # of a crop's shorter side is blended at its border
EXCHANGED = "exchanged"  # in a target: the boxes that changed places, in the order of the partner's


class PatchSwap(DetectionLoss):
    def __init__(self, spec: PatchSwapSpec, detector: Detector) -> None:
        super().__init__(detector)
        self._spec = spec

    def prepare(self, images_BCHW: Tensor, targets: Targets, draw: Draw) -> None:
        """Exchange crops between i and n + i, in place; each pair by a coin and by random numbers of its own."""
        coins = (draw.random.random(draw.groups) < swap_probability_at(self._spec, draw.progress))[draw.part]
        seeds = draw.random.integers(2**63, size=draw.groups)[draw.part]
        half = len(targets) // 2
        for place, (coin, seed) in enumerate(zip(coins.tolist(), seeds.tolist(), strict=True)):
            first, second = targets[place], targets[half + place]
            drawn = _draw_boxes(first["labels"], second["labels"], np.random.default_rng(seed)) if coin else []
            for mine, theirs in drawn:
                exchange(images_BCHW[place], first["boxes"][mine], images_BCHW[half + place], second["boxes"][theirs])
            for target, column in ((first, 0), (second, 1)):
                target[EXCHANGED] = torch.tensor([pair[column] for pair in drawn], dtype=torch.int64)

    def judge(self, batch: Batch, network: Network) -> Judged:
        spec = self._spec
        maps = network(batch.images_BCHW).said
        losses, assigned_BA = self.found(maps, batch.targets)
        losses["loss"] = spec.ce_weight * losses["loss"]
        if spec.kd_weight:
            distillation = self._distillation(maps, batch.targets, assigned_BA)
            losses["loss"] = losses["loss"] + kd_weight_at(spec, batch.epoch) * distillation
            losses["kd_loss"] = distillation.detach()
        return Judged(losses, maps, batch.targets)

    def _distillation(self, maps: Maps, targets: Targets, assigned_BA: Tensor) -> Tensor:
        logits_BAK, half = self.detector.class_logits(maps), len(targets) // 2
        first, second, labels = [], [], []
        for place in range(half):
            for mine, theirs in zip(targets[place][EXCHANGED], targets[half + place][EXCHANGED], strict=True):
                one, other = assigned_BA[place] == mine, assigned_BA[half + place] == theirs
                if one.any() and other.any():
                    first.append(logits_BAK[place][one].mean(dim=0))
                    second.append(logits_BAK[half + place][other].mean(dim=0))
                    labels.append(int(targets[place]["labels"][mine]) + self.detector.first_class)
        if not first:
            return logits_BAK.sum() * 0  # nothing was exchanged; the network still has a gradient, of zero
        return divergence(
            torch.stack(first), torch.stack(second), labels, self._spec, exclusive=self.detector.exclusive
        )


def exchange(first_CHW: Tensor, first_box: Tensor, second_CHW: Tensor, second_box: Tensor) -> None:
    """The crops of two boxes, each laid into the other's place, in place. Boxes of less than two pixels stay."""
    places = [_pixels(box, image) for box, image in ((first_box, first_CHW), (second_box, second_CHW))]
    if any(rows.stop - rows.start < 2 or columns.stop - columns.start < 2 for rows, columns in places):
        return
    crops = [image[:, *place].clone() for image, place in zip((first_CHW, second_CHW), places, strict=True)]
    for image, place, crop in ((first_CHW, places[0], crops[1]), (second_CHW, places[1], crops[0])):
        _lay(image[:, *place], crop)


def divergence(
    first_mK: Tensor, second_mK: Tensor, labels: list[int], spec: PatchSwapSpec, *, exclusive: bool
) -> Tensor:
    """T^2 KL between two sets of logits as `kd_direction` wants it, mean over rows, in nats. Teachers are detached."""
    into_first, into_second = (
        _divergence(student, teacher.detach(), spec.temperature, exclusive=exclusive)
        for student, teacher in ((first_mK, second_mK), (second_mK, first_mK))
    )
    match spec.kd_direction:
        case "symmetric":
            found_m = into_first + into_second
        case "one_way":
            found_m = into_second
        case "confident_to_weak":
            rows = torch.arange(len(labels))
            surer = first_mK.detach()[rows, labels] >= second_mK.detach()[rows, labels]
            found_m = torch.where(surer, into_second, into_first)
    return found_m.mean()


def _divergence(student_mK: Tensor, teacher_mK: Tensor, temperature: float, *, exclusive: bool) -> Tensor:
    student, teacher = student_mK / temperature, teacher_mK / temperature
    if exclusive:
        student, teacher = student.log_softmax(dim=1), teacher.log_softmax(dim=1)
    else:  # each class's yes and no
        student = torch.cat([functional.logsigmoid(student), functional.logsigmoid(-student)], dim=1)
        teacher = torch.cat([functional.logsigmoid(teacher), functional.logsigmoid(-teacher)], dim=1)
    return temperature**2 * functional.kl_div(student, teacher, reduction="none", log_target=True).sum(dim=1)


def _lay(window_CHW: Tensor, crop_CHW: Tensor) -> None:
    """The crop resized to the window, blended into it at the border."""
    height, width = window_CHW.shape[1:]
    resized = functional.interpolate(
        crop_CHW[None].float(), size=(height, width), mode="bilinear", align_corners=False, antialias=True
    )[0]
    opacity_HW = _feather(height)[:, None].minimum(_feather(width)[None]).to(window_CHW.device)
    blended = opacity_HW * resized + (1 - opacity_HW) * window_CHW.float()
    window_CHW.copy_(blended.round().clamp(0, 255).to(torch.uint8))


def _feather(side: int) -> Tensor:
    """How much of the crop is seen along a side: rising from its ends to one."""
    steps = torch.arange(side, dtype=torch.float32)
    return ((steps.minimum(steps.flip(0)) + 1) / max(1.0, FEATHER_SHARE * side)).clamp(max=1)


def _pixels(box: Tensor, image_CHW: Tensor) -> tuple[slice, slice]:
    height, width = image_CHW.shape[1:]
    x1, y1, x2, y2 = box.round().long().tolist()
    return slice(max(y1, 0), min(y2, height)), slice(max(x1, 0), min(x2, width))


def _draw_boxes(first: Tensor, second: Tensor, random: np.random.Generator) -> list[tuple[int, int]]:
    """A box of each of two images for every class that both show, classes in ascending order."""
    mine, theirs = first.cpu().numpy(), second.cpu().numpy()
    return [
        (_any_of(np.flatnonzero(mine == label), random), _any_of(np.flatnonzero(theirs == label), random))
        for label in np.intersect1d(mine, theirs)
    ]


def _any_of(places: NDArray[np.int64], random: np.random.Generator) -> int:
    return int(places[random.integers(len(places))])
