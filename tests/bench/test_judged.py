"""That a bench judges a network on images laid as those it was trained on."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bench.judged import predictions
from contract.pack.manifest import Split
from tests.trainer.conftest import digits, digits_folder, spec_for  # noqa: F401 - fixtures
from trainer.data.pack import Pack


class Watching(nn.Module):
    """A classifier of ten classes that keeps the last images it saw."""

    def forward(self, images_BCHW: Tensor) -> Tensor:
        self.seen = images_BCHW
        return torch.zeros(len(images_BCHW), 10)


def test_letterboxed_images_have_their_padding(digits: Pack) -> None:  # noqa: F811
    training = {"epochs": 1, "pairs_per_batch": 16, "image_size": [16, 32]}
    padded, stretched = (spec_for(digits, training=training | {"fit": fit}) for fit in ("letterbox", "stretch"))
    model = Watching()
    predictions(model, padded, digits, Split.TEST)
    right = model.seen[..., 16:]
    assert torch.equal(right, right[..., :1, :1].expand_as(right))
    predictions(model, stretched, digits, Split.TEST)
    right = model.seen[..., 16:]
    assert not torch.equal(right, right[..., :1, :1].expand_as(right))
