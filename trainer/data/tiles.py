"""Tiles of the images of one split, as uint8 batches: all of an image to judge it, a random one to learn from.

Images are kept at their own size while they fit the budget; the others are decoded each time.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from portable import preprocess
from portable.preprocess import Tile
from trainer.data.pack import Crop, Pack

DRAWS = 3  # numbers in 0..1 that choose a random tile: what it is to show, and where it lies

Corners = NDArray[np.float64]  # left, top, right, bottom


@dataclass(frozen=True)
class Frame:
    """What tiles of a pack are laid into."""

    pack: Pack
    height: int
    width: int

    def grid(self, row: int) -> list[Tile]:
        """The tiles that cover an image."""
        tiles = self.pack.tiles
        if tiles is None:
            raise TypeError("the pack is not cut into tiles")
        frame = {"height": self.height, "width": self.width}
        return preprocess.cut(self.pack.size(row), **frame, shrink=int(tiles.shrink), overlap=tiles.overlap)

    def some(self, row: int) -> Tile:
        """One of them, another from row to row; always the same of a row."""
        grid = self.grid(row)
        return grid[row * 7_919 % len(grid)]

    def random(self, row: int, draws: NDArray[np.float64], shown: Corners | None = None) -> Crop:
        """A tile anywhere in the image, or around what it is to show, as the last two draws say."""
        shrink = int(self.pack.tiles.shrink) if self.pack.tiles else 1
        sides = self.height * shrink, self.width * shrink
        (top, bottom), (left, right) = (
            _span(own, min(own, side), float(draw), None if shown is None else (shown[at], shown[at + 2]))
            for own, side, draw, at in zip(self.pack.size(row), sides, draws[-2:], (1, 0), strict=True)
        )
        return left, top, right, bottom

    def content(self, size: tuple[int, int]) -> tuple[int, int]:
        """Height and width that a crop of this size takes of the frame."""
        return preprocess.content_size(size, height=self.height, width=self.width, fit=self.pack.fit)

    def laid(self, image: Image.Image, crop: Crop) -> NDArray[np.uint8]:
        """(C, H, W) uint8."""
        return self.pack.laid(image.crop(crop), height=self.height, width=self.width).transpose(2, 0, 1)


class TiledImages:
    """The rows of a pack, from which tiles are cropped."""

    def __init__(self, frame: Frame, rows: NDArray[np.int64], *, device: torch.device, budget_bytes: int) -> None:
        self.frame, self.rows, self.cached_bytes = frame, rows, budget_bytes
        self._device, self._left, self._lock = device, budget_bytes, Lock()
        self._known: dict[int, Image.Image] = {}
        self._threads = ThreadPoolExecutor(len(os.sched_getaffinity(0)), thread_name_prefix="decode")

    def grid(self, position: int) -> list[Tile]:
        return self.frame.grid(int(self.rows[position]))

    def fetch_grids(self, positions: NDArray[np.int64]) -> tuple[Tensor, list[tuple[int, list[Tile]]]]:
        """All tiles of the images, (tiles, C, H, W) uint8 on the device, and each position with its tiles."""
        grids = [(at, self.grid(at)) for at in positions.tolist()]
        return self.fetch([(at, [tile.crop for tile in grid]) for at, grid in grids]), grids

    def fetch(self, crops: list[tuple[int, list[Crop]]]) -> Tensor:
        """The crops of each position, one after the other, (tiles, C, H, W) uint8 on the device."""
        found = self._threads.map(self._read, *zip(*crops, strict=True))
        return torch.from_numpy(np.concatenate(list(found))).to(self._device, non_blocking=True)

    def _read(self, position: int, crops: list[Crop]) -> NDArray[np.uint8]:
        image = self._known.get(position) or self._decoded(position)
        return np.stack([self.frame.laid(image, crop) for crop in crops])

    def _decoded(self, position: int) -> Image.Image:
        image = self.frame.pack.whole(int(self.rows[position]))
        need = image.width * image.height * len(image.getbands())
        with self._lock:
            if position not in self._known and need <= self._left:
                self._known[position] = image
                self._left -= need
        return image


def _span(length: int, side: int, draw: float, shown: tuple[float, float] | None) -> tuple[int, int]:
    """Where a tile begins and ends along an axis: with all that is to be shown in it, or with as much as it holds."""
    least, most = 0, length - side
    if shown is not None:
        ends = sorted((int(np.ceil(shown[1])) - side, int(np.floor(shown[0]))))
        least, most = (min(max(end, 0), length - side) for end in ends)
    start = least + min(int(draw * (most - least + 1)), most - least)
    return start, start + side
