"""The page of suspected labels: each picture, its label, and what the network takes it for."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from patchswap.errors import NotFound
from patchswap.pages import frame, pictures
from patchswap.pages.frame import text

if TYPE_CHECKING:
    from patchswap.calls.datasets import Datasets
    from patchswap.resources import SuspectedLabel, SuspectedLabels

_AT_ONCE = 4
_HOW = (
    "<p>Judged by confident learning (Northcutt et al. 2021): a picture counts as of the likeliest class that reaches "
    "the mean probability of its own pictures; where that is not its label, the label is suspect. The network may be "
    "wrong, so look before you change a label.</p>"
)
_HELD_OUT = "<p>These were judged by a network that did not learn from them.</p>"
_TRAIN = (
    "<p>These were judged by the network that learnt these very labels. It finds fewer wrong ones here, and those with "
    "more reason.</p>"
)


def page(datasets: Datasets, found: SuspectedLabels) -> str:
    looked = ", ".join(f"{count:,} {split}" for split, count in found.images.items())
    lead = f"<p>Model {text(found.model_id)}. Looked at: {text(looked)} pictures.</p>{_HOW}"
    sections = [
        (f"Held-out pictures: {found.found['held_out']:,}", _HELD_OUT + _grid(datasets, found.held_out)),
        (f"Training pictures: {found.found['train']:,}", _TRAIN + _grid(datasets, found.train)),
    ]
    return frame.document("Suspected wrong labels", lead, sections)


def _grid(datasets: Datasets, suspects: Sequence[SuspectedLabel]) -> str:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        images = list(pool.map(lambda suspect: _image(datasets, suspect), suspects))
    shown = [pictures.loose(image, one.path, _caption(one)) for image, one in zip(images, suspects, strict=True)]
    return f'<div class="grid">{"".join(shown)}</div>' if shown else "<p>None.</p>"


def _image(datasets: Datasets, suspect: SuspectedLabel) -> str | None:
    try:
        return pictures.uri(*datasets.picture(suspect.thumbnail_url))
    except NotFound:  # the dataset was deleted, or is older than thumbnails
        return None


def _caption(suspect: SuspectedLabel) -> str:
    return (
        f"labelled {text(suspect.label)} ({suspect.label_probability:.0%})<b>{text(suspect.suggested)}? "
        f"({suspect.suggested_probability:.0%})</b>{suspect.split}, {text(suspect.path)}"
    )
