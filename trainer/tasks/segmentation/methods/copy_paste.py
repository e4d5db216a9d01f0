"""Copy-paste (Ghiasi et al. 2021): objects of one image are laid onto another, with their mask.

The paper pastes a random subset of instances. A mask knows classes, so the subset is of the classes that the other
image shows: each by a coin [U]. What is nobody's, or of the background, is not pasted. Both members of a group receive
from the other as it was. loss = CE of pixels.
"""

import numpy as np
import torch
from torch import Tensor

from contract.pack.manifest import BACKGROUND
from contract.specs import CopyPasteSpec
from trainer.methods.method import Draw
from trainer.tasks.segmentation.methods.cross_entropy import CrossEntropy

CHOSEN = 0.5  # of the classes shown


class CopyPaste(CrossEntropy):
    def __init__(self, spec: CopyPasteSpec, classes: list[str]) -> None:
        super().__init__()
        self._spec = spec
        self._pasted = np.array([name != BACKGROUND for name in classes])

    def prepare(self, images_BCHW: Tensor, targets: Tensor, draw: Draw) -> None:
        """Lay objects of image n + i onto image i, and the other way round, in place."""
        coins = draw.random.random((2, draw.groups, 1)) < self._spec.paste_probability
        classes = draw.random.random((2, draw.groups, len(self._pasted))) < CHOSEN
        chosen_BK = (coins & classes & self._pasted)[:, draw.part].reshape(-1, len(self._pasted))
        given_images, given_masks = (torch.cat(tuple(reversed(one.chunk(2)))) for one in (images_BCHW, targets))
        pasted_BHW = _of_chosen(given_masks, torch.from_numpy(chosen_BK).to(targets.device))
        images_BCHW.copy_(torch.where(pasted_BHW[:, None], given_images, images_BCHW))
        targets.copy_(torch.where(pasted_BHW, given_masks, targets))


def _of_chosen(masks_BHW: Tensor, chosen_BK: Tensor) -> Tensor:
    """The pixels whose class is chosen for their image."""
    by_value = torch.zeros(len(chosen_BK), 256, dtype=torch.bool, device=chosen_BK.device)
    by_value[:, : chosen_BK.shape[1]] = chosen_BK
    return by_value.gather(1, masks_BHW.long().flatten(1)).view(masks_BHW.shape)
