"""The images of one split at training size, as uint8 batches (B, C, H, W) on the device.

Small raw images are resident on the device from the start. Others are decoded when first asked for, by a pool of
threads, and kept on the host at training size while they fit the budget; the rest is decoded each time.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainer.data.pack import Pack
from trainer.data.tiles import Frame

HOST_BUDGET_BYTES = 8 * 2**30  # at most; and never more than half of the memory that is free
DEVICE_SHARE = 0.25  # of the GPU's free memory, the rest is for activations


class Images(Protocol):
    resident: bool
    cached_bytes: int

    def fetch(self, positions: NDArray[np.int64]) -> Tensor:
        """The images at these positions of the split's rows."""


def open_images(
    pack: Pack, rows: NDArray[np.int64], *, size: tuple[int, int], device: torch.device, budget_bytes: int
) -> Images:
    """The rows of a pack at (height, width), resident where they are raw, of this size, and few enough.

    Of a pack that is cut into tiles one tile of each, always the same.
    """
    need = len(rows) * pack.manifest.channels * size[0] * size[1]
    raw = pack.manifest.encoding == "raw" and pack.manifest.image_size == size
    if raw and pack.tiles is None and need <= budget_bytes and need <= _device_budget(device):
        return ResidentImages(pack, rows, device=device)
    shape = (pack.manifest.channels, *size)
    read = pack.read if pack.tiles is None else partial(_read_tile, pack)
    return DecodedImages(read, rows, shape=shape, device=device, budget_bytes=budget_bytes)


def open_masks(
    pack: Pack, rows: NDArray[np.int64], *, size: tuple[int, int], device: torch.device, budget_bytes: int
) -> Images:
    """The masks of the rows as images of one channel of class numbers."""
    return DecodedImages(pack.read_mask, rows, shape=(1, *size), device=device, budget_bytes=budget_bytes)


def _read_tile(pack: Pack, row: int, *, height: int, width: int) -> NDArray[np.uint8]:
    frame = Frame(pack, height, width)
    return frame.laid(pack.whole(row), frame.some(row).crop).transpose(1, 2, 0)


def host_budget() -> int:
    available: int = psutil.virtual_memory().available
    return min(HOST_BUDGET_BYTES, available // 2)


class ResidentImages:
    resident = True

    def __init__(self, pack: Pack, rows: NDArray[np.int64], *, device: torch.device) -> None:
        height, width, channels = pack.raw_shape
        images_NCHW = np.empty((len(rows), channels, height, width), np.uint8)
        filled = 0
        for start, chunk_NHWC in zip(pack.chunk_starts, pack.raw_chunks(), strict=True):
            mine = rows[(rows >= start) & (rows < start + len(chunk_NHWC))] - start
            images_NCHW[filled : filled + len(mine)] = chunk_NHWC[mine].transpose(0, 3, 1, 2)
            filled += len(mine)
        self._images = torch.from_numpy(images_NCHW).to(device)
        self.cached_bytes = images_NCHW.nbytes

    def fetch(self, positions: NDArray[np.int64]) -> Tensor:
        return self._images[torch.from_numpy(positions).to(self._images.device, non_blocking=True)]


class DecodedImages:
    resident = False

    def __init__(
        self,
        read: Callable[..., NDArray[np.uint8]],
        rows: NDArray[np.int64],
        *,
        shape: tuple[int, int, int],
        device: torch.device,
        budget_bytes: int,
    ) -> None:
        """`read` gives a row of the pack as (height, width, channels); `shape` is (channels, height, width)."""
        self._read, self._rows, self._device, self._shape = read, rows, device, shape
        capacity = min(len(rows), budget_bytes // int(np.prod(self._shape)))
        self._cache = np.empty((capacity, *self._shape), np.uint8)  # pages are taken from the system as they fill
        self._known = np.zeros(capacity, bool)
        self._threads = ThreadPoolExecutor(len(os.sched_getaffinity(0)), thread_name_prefix="decode")
        self.cached_bytes = self._cache.nbytes

    def fetch(self, positions: NDArray[np.int64]) -> Tensor:
        batch = torch.empty((len(positions), *self._shape), dtype=torch.uint8, pin_memory=self._device.type == "cuda")
        list(self._threads.map(self._read_into, batch.numpy(), positions.tolist()))
        return batch.to(self._device, non_blocking=True)

    def _read_into(self, out_CHW: NDArray[np.uint8], position: int) -> None:
        if position < len(self._known) and self._known[position]:
            out_CHW[:] = self._cache[position]
            return
        _, height, width = self._shape
        out_CHW[:] = self._read(int(self._rows[position]), height=height, width=width).transpose(2, 0, 1)
        if position < len(self._known):
            self._cache[position] = out_CHW
            self._known[position] = True


def _device_budget(device: torch.device) -> float:
    return DEVICE_SHARE * torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else float("inf")
