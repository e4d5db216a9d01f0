"""Labels that the trained network contradicts. Shapes: B batch, K classes, N images, T likeliest classes."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from contract.child.messages import Working
from contract.pack.manifest import Split
from contract.results.evaluation import MAX_SUSPECTS, SuspectedLabel, SuspectedLabels
from contract.specs import ResolvedSpec
from contract.specs.normalisation import normalisation_of
from trainer.data.pack import Pack
from trainer.statistics import confident_learning
from trainer.tasks import evaluation_mode
from trainer.tasks.classification import samples
from trainer.tasks.classification.predictions import BATCH
from trainer.tasks.columns import Columns

_LIKELIEST = 10  # classes that are kept of each image; a label suggested beyond them would have a probability below 0.1
_NAMES: dict[Split, Literal["train", "val", "test"]] = {Split.TRAIN: "train", Split.VAL: "val", Split.TEST: "test"}


@dataclass(frozen=True)
class _Said(Columns):
    """What the network says of each image of a split."""

    labels: NDArray[np.int64]  # (N,)
    probability: NDArray[np.float64]  # (N,) of the label
    likeliest: NDArray[np.int64]  # (N, T), descending
    probabilities: NDArray[np.float64]  # (N, T)

    @classmethod
    def of(cls, logits_BK: Tensor, labels_B: Tensor) -> "_Said":
        probabilities_BK = logits_BK.double().softmax(dim=1)
        top = probabilities_BK.topk(min(_LIKELIEST, logits_BK.shape[1]), dim=1)
        probability_B = probabilities_BK.gather(1, labels_B[:, None]).squeeze(1)
        columns = (labels_B, probability_B, top.indices, top.values)
        return cls(*(column.cpu().numpy() for column in columns))


def find(
    model: nn.Module, pack: Pack, spec: ResolvedSpec, *, device: torch.device
) -> Generator[Working, None, SuspectedLabels]:
    """Look at every image once, in evaluation mode, without changing it. Yields about once a second."""
    rows = {split: pack.rows(split) for split in _NAMES}
    said: dict[Split, _Said] = {}
    for split, name in _NAMES.items():
        if len(rows[split]):
            images = samples.open_split(
                pack,
                split,
                size=(spec.height, spec.width),
                normalisation=normalisation_of(spec, pack.manifest),
                device=device,
                budget=0,
            )
            activity = f"look for wrong labels in {name}"
            parts = yield from evaluation_mode.sweep(model, images, _Said.of, batch=BATCH, activity=activity)
            said[split] = _Said.joined(parts)
    held_out = _suspected(pack, [split for split in (Split.VAL, Split.TEST) if split in said], rows, said)
    train = _suspected(pack, [Split.TRAIN], rows, said)
    return SuspectedLabels(
        images={name: len(rows[split]) for split, name in _NAMES.items()},
        found={"held_out": len(held_out), "train": len(train)},
        held_out=held_out[:MAX_SUSPECTS],
        train=train[:MAX_SUSPECTS],
    )


def _suspected(
    pack: Pack, splits: list[Split], rows: dict[Split, NDArray[np.int64]], said: dict[Split, _Said]
) -> list[SuspectedLabel]:
    """Those of some splits, judged together."""
    if not splits:
        return []
    names = pack.manifest.classes
    joined, index = _Said.joined([said[split] for split in splits]), np.concatenate([rows[split] for split in splits])
    found = confident_learning.suspects(
        joined.labels, joined.probability, joined.likeliest, joined.probabilities, len(names)
    )
    paths = pack.table.column("path")
    listed = zip(found.places.tolist(), found.suggested.tolist(), found.probability.tolist(), strict=True)
    return [
        SuspectedLabel(
            index=int(index[place]),
            split=_NAMES[Split(int(pack.splits[index[place]]))],
            path=paths[int(index[place])].as_py(),
            label=names[joined.labels[place]],
            suggested=names[suggested],
            label_probability=float(joined.probability[place]),
            suggested_probability=probability,
        )
        for place, suggested, probability in listed
    ]
