"""Copy-paste (Ghiasi et al. 2021) of boxes: objects of one image are laid onto another, with their boxes.

The paper pastes what a mask cuts out; a box knows no outline, so whole crops are pasted, each by a coin, to their own
place in the other image [U]. A box of which more than half is covered is no longer to be found. Both members of a group
receive from the other as it was. loss = the network's own.
"""

import numpy as np
import torch
from torch import Tensor

from contract.specs import CopyPasteSpec
from trainer.methods.method import Draw
from trainer.tasks.detection.methods.loss import DetectionLoss
from trainer.tasks.detection.network import Detector, Targets

CHOSEN = 0.5  # of the boxes
HIDDEN = 0.5  # of a box's area: more is covered, and it is gone


class CopyPaste(DetectionLoss):
    def __init__(self, spec: CopyPasteSpec, detector: Detector) -> None:
        super().__init__(detector)
        self._spec = spec

    def prepare(self, images_BCHW: Tensor, targets: Targets, draw: Draw) -> None:
        """Lay boxes of image n + i onto image i, and the other way round, in place."""
        coins = (draw.random.random((2, draw.groups)) < self._spec.paste_probability)[:, draw.part].reshape(-1)
        seeds = draw.random.integers(2**63, size=(2, draw.groups))[:, draw.part].reshape(-1)
        given_images, half = images_BCHW.clone(), len(targets) // 2
        given = [dict(target) for target in targets]
        for place, (coin, seed) in enumerate(zip(coins.tolist(), seeds.tolist(), strict=True)):
            other = (place + half) % len(targets)
            if coin:
                chosen = np.random.default_rng(seed).random(len(given[other]["labels"])) < CHOSEN
                _paste(images_BCHW[place], targets[place], given_images[other], given[other], torch.from_numpy(chosen))


def _paste(
    image_CHW: Tensor, target: dict[str, Tensor], other_CHW: Tensor, other: dict[str, Tensor], chosen: Tensor
) -> None:
    """The chosen boxes of the other image laid over this one, in place."""
    boxes, labels = other["boxes"][chosen], other["labels"][chosen]
    for x1, y1, x2, y2 in boxes.round().long().tolist():
        image_CHW[:, y1:y2, x1:x2] = other_CHW[:, y1:y2, x1:x2]
    seen = _covered(target["boxes"], boxes) <= HIDDEN
    target["boxes"] = torch.cat([target["boxes"][seen], boxes])
    target["labels"] = torch.cat([target["labels"][seen], labels])


def _covered(boxes_n4: Tensor, above_m4: Tensor) -> Tensor:
    """The largest share of each box that one of those above covers, (n,)."""
    if not len(above_m4):
        return boxes_n4.new_zeros(len(boxes_n4))
    low = boxes_n4[:, None, :2].maximum(above_m4[None, :, :2])
    high = boxes_n4[:, None, 2:].minimum(above_m4[None, :, 2:])
    areas = (boxes_n4[:, 2:] - boxes_n4[:, :2]).prod(dim=1)
    return ((high - low).clamp(min=0).prod(dim=2) / areas[:, None].clamp(min=1e-6)).amax(dim=1)
