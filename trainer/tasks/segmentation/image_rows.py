"""What a network said of each masked image, in the columns of `contract.predictions`. Shapes: N images, K classes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.data.pack import Pack
from trainer.tasks.segmentation.predictions import Counts, Floats, MaskPredictions

FOUND = 0.5  # intersection over union below which a class that is there counts as not found


def of(found: MaskPredictions, pack: Pack, _rows: NDArray[np.int64], *, size: tuple[int, int]) -> dict[str, Any]:  # noqa: ARG001 - protocol
    iou_NK = _ratio(found.both, found.truth + found.predicted - found.both)
    pixels_N1 = found.pixels[:, None]
    missed_NK = (found.truth > 0) & (iou_NK < FOUND)
    return {
        "error": [
            bool(missed_K.any()) if pixels else None for missed_K, pixels in zip(missed_NK, found.pixels, strict=True)
        ],
        "probability": _known(_ratio(found.binned_confidence.sum(axis=1), found.pixels)),
        "loss": _known(_ratio(found.nll, found.pixels)),
        "mean_iou": _known(_ratio(np.nansum(iou_NK, axis=1), (~np.isnan(iou_NK)).sum(axis=1))),
        "pixel_accuracy": _known(_ratio(found.both.sum(axis=1), found.pixels)),
        "boundary_f": _known(found.boundary_f),
        "classes": [
            _classes(pack.manifest.classes, *figures)
            for figures in zip(iou_NK, _ratio(found.truth, pixels_N1), _ratio(found.predicted, pixels_N1), strict=True)
        ],
    }


def _classes(names: list[str], iou_K: Floats, share_K: Floats, predicted_K: Floats) -> list[dict[str, Any]]:
    """Those that the true mask or the predicted one shows."""
    return [
        {
            "label": names[number],
            "iou": float(iou_K[number]),
            "share": float(share_K[number]),
            "predicted_share": float(predicted_K[number]),
        }
        for number in np.flatnonzero(~np.isnan(iou_K)).tolist()
    ]


def _ratio(part: Counts | Floats, whole: Counts) -> Floats:
    """Nan where the whole is nothing."""
    return np.divide(part, whole, out=np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan), where=whole > 0)


def _known(values: Floats) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
