"""What a classifier said of each image, in the columns of `contract.predictions`."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from trainer.data.pack import NOBODY, Pack
from trainer.tasks.classification.predictions import Predictions


def of(found: Predictions, pack: Pack, rows: NDArray[np.int64], *, size: tuple[int, int]) -> dict[str, Any]:  # noqa: ARG001 - protocol
    names, unknown = np.array(pack.manifest.classes, object), found.labels == NOBODY
    return {
        "error": pa.array(~found.correct, mask=unknown),
        "probability": found.confidence,
        "loss": pa.array(found.nll, mask=unknown),
        "label": pack.label_names(rows),
        "predicted": names[found.predicted],
        "label_probability": pa.array(found.probability, mask=unknown),
    }
