"""`python -m core.decoding`, its stdin a socket: forks a process for each image that it is asked to decode.

It loads the decoders once and never looks into an image itself: what comes over the socket are the fixed frames of
`core.decoding.request`, each with two open files, the image and where the answer goes. The process that it forks for
them is confined, answers and ends, so that one stranger's file never meets the next one's.
"""

import json
import os
import signal
import socket
import warnings

from contract.child.confinement import confine, die_with
from contract.image_files import MAX_FILE_BYTES
from core.decoding import request
from core.decoding.images import Refused, decode, load_decoders
from core.decoding.request import Request

_MEMORY_BYTES = 2 * 2**30  # of address space; 40 million pixels took up to 0.9 GB (a turned WebP)
_CPU_SECONDS = 20


def main() -> None:
    warnings.simplefilter("ignore")  # Pillow's, which quote the file
    load_decoders()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries them
    forker = os.getpid()
    with socket.socket(fileno=0) as asked:
        while (received := request.receive(asked)) is not None:
            wanted, image, answer = received
            if os.fork() == 0:
                asked.close()  # before a byte of the image is read: what else is asked for is not this process's
                _decode(wanted, image, answer, forker)
            os.close(image)
            os.close(answer)


def _decode(wanted: Request, image: int, answer: int, forker: int) -> None:
    """Never returns. Without an answer, or with half of one, it was a crash or a limit."""
    try:
        die_with(forker)
        confine(memory_bytes=_MEMORY_BYTES, cpu_seconds=_CPU_SECONDS, file_bytes=0, open_files=32)
        with open(image, "rb") as file, open(answer, "wb") as out:
            out.write(b"%d\n" % os.getpid())
            out.flush()
            out.write(_answer(wanted, file.read(MAX_FILE_BYTES)))
            out.flush()
    finally:
        os._exit(0)


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
