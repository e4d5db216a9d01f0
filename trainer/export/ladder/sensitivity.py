"""Which layers suffer most from rounding: each is quantized alone, and the file's divergence from fp32 is measured."""

from collections.abc import Generator
from functools import partial
from pathlib import Path

import numpy as np

from contract.child.messages import Message, Notice, Working
from trainer.export.formats import quantization
from trainer.export.formats.onnx import MODEL_NAME
from trainer.export.formats.quantization import Prepared
from trainer.export.ladder.judging import Divergence, Judge
from trainer.export.waiting import working_while


def worst_first(prepared: Prepared, judge: Judge, fp32: Path, scratch: Path) -> Generator[Message, None, list[str]]:
    """The nodes with weights by their divergence, the largest first. There are as many files as layers."""
    layers, found = quantization.layers(prepared), {}
    images = judge.order.vision.TELLING_IMAGES
    divergence = yield from working_while("find sensitive layers", partial(Divergence.on, judge, fp32, images))
    folder = scratch / "sensitivity"
    folder.mkdir(exist_ok=True)
    for number, layer in enumerate(layers):
        yield Working(activity="find sensitive layers", done=number, total=len(layers))
        write = partial(quantization.write_untidied, prepared, folder / MODEL_NAME, only=[layer])
        yield from working_while("find sensitive layers", write)
        found[layer] = yield from working_while("find sensitive layers", partial(divergence.of, folder))
    order = sorted(layers, key=lambda layer: -found[layer])
    yield _notice([(layers[layer], found[layer]) for layer in order], judge)
    return order


def _notice(by_divergence: list[tuple[str, float]], judge: Judge) -> Notice:
    worst, divergence = by_divergence[0]
    unit = judge.order.vision.DIVERGENCE
    total = float(np.sum([each for _, each in by_divergence]))
    share = divergence / total if total else 0.0
    message = (
        f"Rounding {worst} alone changes the answers most: {divergence:.2g} {unit} on {judge.split} images. "
        f"That is {share:.0%} of the sum over {len(by_divergence)} layers."
    )
    data = {"split": judge.split, "unit": unit, "divergence": dict(by_divergence[:20])}
    return Notice(severity="info", code="layer_sensitivity", message=message, data=data)
