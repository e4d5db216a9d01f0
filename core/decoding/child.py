"""Run `python -m core.decoding` on one file. A process an image: what one stranger's file does there ends with it."""

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from threading import BoundedSemaphore
from typing import IO

import numpy as np

from contract.child import confinement
from core.decoding import EXIT_REFUSED
from core.decoding.images import Decoded
from core.errors import Invalid, Unavailable
from portable import preprocess

logger = logging.getLogger(__name__)

AT_ONCE = max(2, os.cpu_count() or 1)
_TURN_SECONDS = 10.0
_WALL_SECONDS = 60.0
_SIZE = re.compile(rb"(\d{1,8}) (\d{1,8})\n")
_turns = BoundedSemaphore(AT_ONCE)


class UnusableImage(Invalid):
    """The body is no image that can be used."""


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
    if not _turns.acquire(timeout=_TURN_SECONDS):
        raise DecodingBusy
    try:
        code, answer = _run(file, [str(value) for value in (height, width, channels, fit, *(depth_range or ()))])
    finally:
        _turns.release()
    said = _SIZE.match(answer)
    if code == 0 and said and len(answer) == said.end() + height * width * channels:
        pixels = np.frombuffer(answer, np.uint8, offset=said.end()).reshape(height, width, channels)
        return Decoded(pixels, (int(said[1]), int(said[2])))
    raise _refusal(code, answer)


def _run(file: IO[bytes], arguments: list[str]) -> tuple[int, bytes]:
    file.flush()
    file.seek(0)
    command = [sys.executable, "-P", "-m", "core.decoding", *arguments]
    child = subprocess.Popen(
        command,
        stdin=file,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=confinement.environment() | {"OPENBLAS_NUM_THREADS": "1"},  # its pool would take the address space
        process_group=0,
        preexec_fn=partial(confinement.die_with, os.getpid()),  # noqa: PLW1509 - one system call of a loaded library
    )
    try:
        answer, _ = child.communicate(timeout=_WALL_SECONDS)
    except subprocess.TimeoutExpired:
        answer = b""
    finally:
        child.kill()
        child.communicate()
    return child.returncode, answer


def _refusal(code: int, answer: bytes) -> UnusableImage:
    if code == EXIT_REFUSED:
        told = json.loads(answer)
        return _unusable(str(told["code"]), str(told["message"]))
    logger.warning("a decoder ended with status %d", code)
    return _unusable("image_hostile", "decoding ended by a limit of time or memory, or by a crash; save the image anew")


def _unusable(code: str, message: str) -> UnusableImage:
    return UnusableImage(message, errors=[{"pointer": "", "code": code, "message": message}])
