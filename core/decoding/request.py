"""What the parent asks of the process that forks decoders: one fixed frame an image, with two open files."""

import json
import os
import socket
from typing import NamedTuple

FRAME_BYTES = 512
_FILES = 2


class Request(NamedTuple):
    height: int
    width: int
    channels: int
    fit: str
    depth_range: tuple[int, int] | None  # the values of 16 bits that become 0 and 255


def send(to: socket.socket, wanted: Request, image: int, answer: int) -> None:
    """`image` and `answer` are descriptors, which stay open here. Raises OSError where nobody listens any more."""
    frame = json.dumps(wanted).encode().ljust(FRAME_BYTES)
    sent = socket.send_fds(to, [frame], [image, answer])
    if sent < FRAME_BYTES:  # who has all of it may have closed its end already
        to.sendall(frame[sent:])


def receive(asked: socket.socket) -> tuple[Request, int, int] | None:
    """A request with its image and where the answer goes; None once the parent has gone."""
    frame, files, _, _ = socket.recv_fds(asked, FRAME_BYTES, _FILES)
    while frame and len(frame) < FRAME_BYTES:
        more = asked.recv(FRAME_BYTES - len(frame))
        frame = frame + more if more else b""
    if not frame or len(files) != _FILES:
        for file in files:
            os.close(file)
        return None
    height, width, channels, fit, depth_range = json.loads(frame)
    return Request(height, width, channels, fit, tuple(depth_range) if depth_range else None), files[0], files[1]
