"""How well outlines are met: the boundary F score (Csurka et al. 2013). torchmetrics has none.

Of each class that truth or prediction shows: the share of the predicted outline that lies within a tolerance of the
true one (precision), the other way round (recall), and their harmonic mean. The tolerance is 0.75 % of the image's
diagonal, at least a pixel, in steps of king's moves [U]. Shapes: B batch, K classes, H height, W width.
"""

from math import hypot

import torch
from torch import Tensor
from torch.nn import functional

from contract.pack.manifest import IGNORE

TOLERANCE = 0.0075  # of the diagonal


def f_score(predicted_BHW: Tensor, label_BHW: Tensor, classes: int) -> Tensor:
    """Mean over the classes that truth or prediction shows, (B,); nan where none is. Nobody's pixels are left out."""
    judged = label_BHW != IGNORE
    predicted, truth = (_outlines(one.where(judged, classes), classes) for one in (predicted_BHW, label_BHW))
    reach = max(1, round(TOLERANCE * hypot(*predicted_BHW.shape[-2:])))
    precision, recall = _met(predicted, truth, reach), _met(truth, predicted, reach)
    shown = (predicted.flatten(2).any(dim=2)) | (truth.flatten(2).any(dim=2))
    score = torch.where(shown, 2 * precision * recall / (precision + recall).clamp(min=1e-12), 0)
    return score.sum(dim=1) / shown.sum(dim=1)


def _outlines(masks_BHW: Tensor, classes: int) -> Tensor:
    """The pixels of each class that touch another one's, (B, K, H, W); the image's edge is no outline."""
    of_class = functional.one_hot(masks_BHW, classes + 1)[..., :classes].permute(0, 3, 1, 2).bool()
    return of_class & _spread(~of_class, 1)


def _spread(marked_BKHW: Tensor, reach: int) -> Tensor:
    return functional.max_pool2d(marked_BKHW.float(), 2 * reach + 1, stride=1, padding=reach) > 0


def _met(outline_BKHW: Tensor, other_BKHW: Tensor, reach: int) -> Tensor:
    """The share of an outline that lies within reach of the other, (B, K); 0 where there is none."""
    met = (outline_BKHW & _spread(other_BKHW, reach)).flatten(2).sum(dim=2)
    return met.double() / outline_BKHW.flatten(2).sum(dim=2).clamp(min=1)
