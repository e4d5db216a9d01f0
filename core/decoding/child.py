"""One file decoded in a process of its own: what one stranger's file does there ends with it."""

import json
import logging
import os
import re
from collections.abc import Sequence
from threading import BoundedSemaphore
from typing import IO

import numpy as np

from core.decoding.forks import Forks
from core.decoding.images import Decoded
from core.decoding.request import Request
from core.errors import Invalid, Unavailable
from portable import preprocess

logger = logging.getLogger(__name__)

AT_ONCE = max(2, os.cpu_count() or 1)
_TURN_SECONDS = 10.0
_WALL_SECONDS = 60.0
_SIZE = re.compile(rb"(\d{1,8}) (\d{1,8})\n")
_REFUSED = b"refused\n"
_turns = BoundedSemaphore(AT_ONCE)
_forks = Forks()


class UnusableImage(Invalid):
    """The body is not an image that can be read. Send another one, as JPEG or PNG."""


class DecodingBusy(Unavailable):
    """Too many images are being decoded at the moment. Try again in a few seconds."""


def decode(
    file: IO[bytes],
    *,
    height: int,
    width: int,
    channels: int,
    fit: str = preprocess.STRETCH,
    depth_range: Sequence[int] | None = None,
) -> Decoded:
    """A file of the disk as (H, W, C) uint8, and its own size. Raises UnusableImage or DecodingBusy."""
    low_high = (depth_range[0], depth_range[1]) if depth_range else None
    wanted = Request(height, width, channels, fit, low_high)
    file.flush()
    file.seek(0)
    if not _turns.acquire(timeout=_TURN_SECONDS):
        raise DecodingBusy
    try:
        answer = _forks.answer(wanted, file, wall_seconds=_WALL_SECONDS)
    finally:
        _turns.release()
    if answer is None:
        raise DecodingBusy
    said = _SIZE.match(answer)
    if said and len(answer) == said.end() + height * width * channels:
        pixels = np.frombuffer(answer, np.uint8, offset=said.end()).reshape(height, width, channels)
        return Decoded(pixels, (int(said[1]), int(said[2])))
    raise _refusal(answer)


def _refusal(answer: bytes) -> UnusableImage:
    if answer.startswith(_REFUSED):
        told = json.loads(answer.removeprefix(_REFUSED))
        return _unusable(str(told["code"]), str(told["message"]))
    logger.warning("a decoder ended without an answer")
    return _unusable(
        "image_hostile", "Decoding crashed, or took too much time or memory. Save the image again, as JPEG or PNG."
    )


def _unusable(code: str, message: str) -> UnusableImage:
    return UnusableImage(message, errors=[{"pointer": "", "code": code, "message": message}])
