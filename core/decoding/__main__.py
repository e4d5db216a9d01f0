"""`python -m core.decoding`, its stdin a socket: has a process ready for each image that it is asked to decode.

It loads the decoders once and never looks into an image itself: what comes over the socket are the fixed frames of
`core.decoding.request`, each with two open files, the image and where the answer goes. A process that it forked before
takes them, is confined, answers and ends, so that one stranger's file never meets the next one's. Its successor is
forked meanwhile, and touches the memory that it will need: a request waits for neither.
"""

import gc
import json
import os
import signal
import socket
import warnings
from collections import deque
from contextlib import suppress
from io import BytesIO

from PIL import Image

from contract.allocator import keep_freed_memory
from contract.child.confinement import confine, die_with
from contract.image_files import MAX_FILE_BYTES
from core.decoding import request
from core.decoding.images import Refused, decode, load_decoders
from core.decoding.request import Request

_READY = 2  # processes that wait; more requests than these at once wait for a fork
_MEMORY_BYTES = 2 * 2**30  # of address space; 40 million pixels took up to 0.9 GB (a turned WebP)
_CPU_SECONDS = 20
_KEPT_BYTES = 256 * 2**20  # of freed memory, in a process that ends with its image
_TOUCHED_BYTES = 4 * 2**20  # what a picture of 700 px takes; a page costs a microsecond when it is first written to
_OWN_SIDE = 32


def main() -> None:
    warnings.simplefilter("ignore")  # Pillow's, which quote the file
    load_decoders()
    keep_freed_memory(_KEPT_BYTES)
    own_image = _own_image()
    gc.freeze()  # the collector of a fork would copy every page
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries them
    with socket.socket(fileno=0) as asked:
        decoders = Decoders(asked, own_image)
        decoders.fork_up_to(_READY)
        while (received := request.receive(asked)) is not None:
            decoders.hand_over(*received)
            decoders.fork_up_to(_READY)


class Decoders:
    """Processes that wait for one image each, as the sockets through which they get it."""

    def __init__(self, asked: socket.socket, own_image: bytes) -> None:
        self._asked = asked
        self._own_image = own_image
        self._waiting: deque[socket.socket] = deque()

    def hand_over(self, wanted: Request, image: int, answer: int) -> None:
        """To the first that still lives: one that waits may have been killed. Closes both files."""
        try:
            for _ in range(_READY + 1):
                if self._is_taken(wanted, image, answer):
                    break
        finally:
            os.close(image)
            os.close(answer)

    def _is_taken(self, wanted: Request, image: int, answer: int) -> bool:
        self.fork_up_to(1)
        with self._waiting.popleft() as decoder, suppress(OSError):
            request.send(decoder, wanted, image, answer)
            return True
        return False

    def fork_up_to(self, number: int) -> None:
        forker = os.getpid()
        while len(self._waiting) < number:
            ours, theirs = socket.socketpair()
            if os.fork() == 0:
                # before a byte of an image is read: what else is asked for is not this process's
                for other in (self._asked, ours, *self._waiting):
                    other.close()
                _decode_one(theirs, self._own_image, forker)
            theirs.close()
            self._waiting.append(ours)


def _decode_one(asked: socket.socket, own_image: bytes, forker: int) -> None:
    """Never returns. Without an answer, or with half of one, it was a crash or a limit."""
    try:
        die_with(forker)
        _warm_up(own_image)
        confine(memory_bytes=_MEMORY_BYTES, cpu_seconds=_CPU_SECONDS, file_bytes=0, open_files=32)
        if (received := request.receive(asked)) is not None:
            asked.close()
            _decode(*received)
    finally:
        os._exit(0)


def _warm_up(own_image: bytes) -> None:
    """What a fork writes to for the first time is copied then; this is before anybody waits."""
    decode(own_image, height=_OWN_SIDE, width=_OWN_SIDE, channels=3)
    touched = b"\1" * _TOUCHED_BYTES
    del touched  # kept by the allocator


def _own_image() -> bytes:
    out = BytesIO()
    Image.new("RGB", (_OWN_SIDE, _OWN_SIDE)).save(out, "JPEG")
    return out.getvalue()


def _decode(wanted: Request, image: int, answer: int) -> None:
    with open(image, "rb") as file, open(answer, "wb") as out:
        out.write(b"%d\n" % os.getpid())
        out.flush()
        out.write(_answer(wanted, file.read(MAX_FILE_BYTES)))
        out.flush()


def _answer(wanted: Request, content: bytes) -> bytes:
    try:
        found = decode(
            content,
            height=wanted.height,
            width=wanted.width,
            channels=wanted.channels,
            fit=wanted.fit,
            depth_range=wanted.depth_range,
        )
    except Refused as refusal:
        return b"refused\n" + json.dumps({"code": refusal.code, "message": str(refusal)}).encode()
    return b"%d %d\n" % found.size + found.pixels.tobytes()


if __name__ == "__main__":
    main()
