"""What a classifier said of each image, in the columns of `contract.predictions`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.data.pack import Pack
from trainer.tasks.classification.predictions import Predictions


def of(found: Predictions, pack: Pack, _rows: NDArray[np.int64], *, size: tuple[int, int]) -> dict[str, Any]:  # noqa: ARG001 - protocol
    names = np.array(pack.manifest.classes, object)
    return {
        "error": ~found.correct,
        "probability": found.confidence,
        "loss": found.nll,
        "label": names[found.labels],
        "predicted": names[found.predicted],
        "label_probability": found.probability,
    }
