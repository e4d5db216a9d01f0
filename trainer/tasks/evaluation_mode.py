"""A network run in evaluation mode over a split, batch by batch, whatever the task."""

from collections.abc import Callable, Generator
from time import monotonic
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from contract.child.messages import Working
from trainer.machine import device
from trainer.machine.stopping import Interrupted, StopRequest
from trainer.tasks.protocol import Samples, TiledSamples

REPORT_SECONDS = 1.0
Part = TypeVar("Part")


def sweep(
    model: nn.Module,
    samples: Samples,
    judge: Callable[[Any, Any], Part],
    *,
    batch: int,
    activity: str,
    stop: StopRequest | None = None,
) -> Generator[Working, None, list[Part]]:
    """`judge` of each batch's outputs, in float32, and targets. Yields about once a second. Raises Interrupted.

    Of tiled images one at a time is judged, at most `batch` tiles at once.
    """
    was_training, parts, spoken_at = model.training, [], monotonic()
    model.eval()
    together = 1 if isinstance(samples, TiledSamples) else batch
    for start in range(0, len(samples), together):
        if stop:
            raise Interrupted
        positions = np.arange(start, min(start + together, len(samples)))
        images, targets = samples.fetch(positions)
        at_once = min(batch, device.forward_batch(images))
        with torch.inference_mode():
            said = [tree_map(Tensor.float, model(samples.normalise(part))) for part in images.split(at_once)]
            parts.append(judge(joined(said), targets))
        if monotonic() - spoken_at >= REPORT_SECONDS:
            spoken_at = monotonic()
            yield Working(activity=activity, done=int(positions[-1]) + 1, total=len(samples))
    model.train(was_training)
    return parts


def joined(said: list[Any]) -> Any:
    """Outputs one after the other, whatever a network's outputs are made of."""
    return said[0] if len(said) == 1 else tree_map(lambda *each: torch.cat(each), *said)
