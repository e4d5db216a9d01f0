"""A network over a split: large images are run a few at a time, and the answers are those of the whole batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from trainer.tasks import evaluation_mode


class Noting(nn.Module):
    """Gives the mean of each image, and notes how many came at once."""

    def __init__(self) -> None:
        super().__init__()
        self.at_once: list[int] = []

    def forward(self, images_BCHW: Tensor) -> Tensor:
        self.at_once.append(len(images_BCHW))
        return images_BCHW.mean(dim=(1, 2, 3), keepdim=True)[:, :, 0, 0]


class Images:
    def __init__(self, images_BCHW: Tensor) -> None:
        self._images = images_BCHW

    def __len__(self) -> int:
        return len(self._images)

    def fetch(self, positions: np.ndarray) -> tuple[Tensor, Tensor]:
        at = torch.from_numpy(positions)
        return self._images[at], at

    def normalise(self, images_BCHW: Tensor) -> Tensor:
        return images_BCHW.float() / 255


@pytest.mark.parametrize(
    ("side", "most"), [(32, 20), (256, 16), (1024, 1), pytest.param(4096, 1, marks=pytest.mark.slow)]
)
def test_of_large_images_few_are_run_at_once(side: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    network = Noting()
    pixels = torch.randint(0, 256, (20, 3, 1, 1), dtype=torch.uint8).expand(20, 3, side, side)
    images: Any = Images(pixels)
    parts = ended(evaluation_mode.sweep(network, images, lambda said, _: said, batch=32, activity="val"))
    assert max(network.at_once) == most
    assert sum(network.at_once) == 20
    torch.testing.assert_close(torch.cat(parts)[:, 0], pixels[:, :, 0, 0].float().mean(dim=1) / 255)


def ended(steps: Any) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value
