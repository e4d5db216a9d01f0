"""Which layers suffer most from rounding: each is quantized alone, and the file's divergence from fp32 is measured."""

from collections.abc import Generator
from functools import partial
from pathlib import Path

import numpy as np

from core.progress import Message, Notice, Working
from trainer.export import quantization
from trainer.export.formats.onnx import MODEL_NAME
from trainer.export.ladder.judging import Judge
from trainer.export.quantization import Prepared
from trainer.export.waiting import working_while

IMAGES = 256  # of those that choose; there are as many files as layers


def worst_first(prepared: Prepared, judge: Judge, scratch: Path) -> Generator[Message, None, list[str]]:
    """The nodes with weights by their divergence, the largest first."""
    layers, found = quantization.layers(prepared), {}
    fewer = judge.over_fewer(IMAGES)
    folder = scratch / "sensitivity"
    folder.mkdir(exist_ok=True)
    for number, layer in enumerate(layers):
        yield Working(activity="find sensitive layers", done=number, total=len(layers))
        write = partial(quantization.write_untidied, prepared, folder / MODEL_NAME, only=[layer])
        yield from working_while("find sensitive layers", write)
        found[layer] = fewer.divergence((yield from fewer.logits(folder)))
    order = sorted(layers, key=lambda layer: -found[layer])
    yield _notice([(layers[layer], found[layer]) for layer in order], judge.split)
    return order


def _notice(by_divergence: list[tuple[str, float]], split: str) -> Notice:
    worst, divergence = by_divergence[0]
    total = float(np.sum([each for _, each in by_divergence]))
    share = divergence / total if total else 0.0
    message = (
        f"Rounding {worst} alone changes the answers most: {divergence:.2g} nats on {split} images, {share:.0%} of "
        f"what all {len(by_divergence)} layers do."
    )
    data = {"split": split, "nats": dict(by_divergence[:20])}
    return Notice(severity="info", code="layer_sensitivity", message=message, data=data)
