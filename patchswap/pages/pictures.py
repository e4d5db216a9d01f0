"""Pictures of samples as figures: the thumbnail, its boxes or mask over it, and what is said of it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from patchswap.errors import NotFound
from patchswap.pages.frame import text

if TYPE_CHECKING:
    from patchswap.calls.datasets import Datasets
    from patchswap.resources import Sample

MOST = 400  # pictures a page, of at most about 16 KB each
_AT_ONCE = 4
_TINY_PX = 72
_BOXES_DRAWN = 100


@dataclass(frozen=True)
class Picture:
    sample: Sample
    image: str | None  # data URIs; None where the service has no thumbnail
    overlay: str | None = None


class Album:
    """The pictures of a page, each fetched once, at most `MOST`."""

    def __init__(self, datasets: Datasets) -> None:
        self._datasets = datasets
        self._pictures: dict[int, Picture] = {}
        self.full = False  # something did not fit

    def add(self, samples: Iterable[Sample]) -> None:
        """Fetch those that are not there yet."""
        new = list({sample.index: sample for sample in samples if sample.index not in self._pictures}.values())
        room = max(0, MOST - len(self._pictures))
        self.full |= len(new) > room
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for picture in pool.map(self._fetch, new[:room]):
                self._pictures[picture.sample.index] = picture

    def get(self, index: int) -> Picture | None:
        return self._pictures.get(index)

    def _fetch(self, sample: Sample) -> Picture:
        try:
            image = uri(*self._datasets.picture(sample.thumbnail_url))
        except NotFound:  # made by an earlier release
            return Picture(sample, None)
        mask = sample.mask_url
        return Picture(sample, image, uri(*self._datasets.picture(mask, overlay=True)) if mask else None)


def figure(picture: Picture, caption: str, *, colour: Callable[[int], str] | None = None) -> str:
    """`caption` is HTML; `colour` of a class number is that of its boxes."""
    sample = picture.sample
    words = text(f"{sample.path}, {sample.split}, {', '.join(sample.classes[:8]) or 'no class'}")
    return f"<figure>{_drawn(picture, words, colour)}<figcaption>{caption}</figcaption></figure>"


def loose(image: str | None, words: str, caption: str) -> str:
    """A picture that is no sample."""
    shown = f'<span class="pic"><img src="{image}" alt="{text(words)}" loading="lazy"></span>' if image else _none()
    return f"<figure>{shown}<figcaption>{caption}</figcaption></figure>"


def _drawn(picture: Picture, words: str, colour: Callable[[int], str] | None) -> str:
    if picture.image is None:
        return _none()
    sample = picture.sample
    tiny = " tiny" if max(sample.width, sample.height) <= _TINY_PX else ""
    size = f'width="{sample.width}" height="{sample.height}"'
    over = f'<img class="over" src="{picture.overlay}" alt="">' if picture.overlay else ""
    boxes = _boxes(sample, colour) if sample.boxes and colour else ""
    return (
        f'<span class="pic{tiny}"><img src="{picture.image}" {size} alt="{words}" loading="lazy">{over}{boxes}</span>'
    )


def _boxes(sample: Sample, colour: Callable[[int], str]) -> str:
    drawn = "".join(
        f'<rect x="{x1:.1f}" y="{y1:.1f}" width="{x2 - x1:.1f}" height="{y2 - y1:.1f}" stroke="{colour(box.label)}">'
        f"<title>{text(box.class_name)}</title></rect>"
        for box in (sample.boxes or ())[:_BOXES_DRAWN]
        for x1, y1, x2, y2 in [box.corners]
    )
    return (
        f'<svg viewBox="0 0 {sample.width} {sample.height}" preserveAspectRatio="none" aria-hidden="true">{drawn}</svg>'
    )


def _none() -> str:
    return '<span class="none">no picture</span>'


def uri(content: bytes, media_type: str) -> str:
    """A picture as a data URI."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
