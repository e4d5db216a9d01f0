"""`python -m contract.child.warm MODULE`, its stdin a socket: imports a module once, and forks whoever runs it.

A frame on the socket is `{"arguments": [...], "folder": "..."}` with three open files: stdout, stderr, and where the
process id and then the exit code are told. What is forked runs the module as `python -m MODULE` does. One runs at a
time; the next frame is read when it has ended. Ready is told by one byte. What the module needs only at times it may
import in a function `preload`.
"""

import json
import os
import runpy
import socket
import sys
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from contract.child.confinement import die_with

READY = b"+"
FRAME_BYTES = 64 * 1024
_FILES = 3
Work = dict[str, Any]


def main(name: str) -> None:
    _load(name)
    sys.stdout.flush()  # what libraries print when they are imported is nobody's message
    asked = socket.socket(fileno=0)
    asked.sendall(READY)
    work = _forked(asked)
    if work is not None:
        sys.argv = [name, *work["arguments"]]
        runpy.run_module(name, run_name="__main__", alter_sys=True)


def send(to: socket.socket, work: Work, files: list[int]) -> None:
    """Raises OSError where nobody listens any more."""
    frame = json.dumps(work).encode() + b"\n"
    sent = socket.send_fds(to, [frame], files)
    to.sendall(frame[sent:])


def _forked(asked: socket.socket) -> Work | None:
    """Returns in each process that is forked, with its work; and None in this one, once nobody asks any more."""
    server = os.getpid()
    while True:
        frame, files, _, _ = socket.recv_fds(asked, FRAME_BYTES, _FILES)
        while frame and not frame.endswith(b"\n"):
            more = asked.recv(FRAME_BYTES)
            frame = frame + more if more else b""
        if not frame or len(files) != _FILES:
            return None
        work: Work = json.loads(frame)
        pid = os.fork()
        if pid == 0:
            asked.close()
            die_with(server)
            _settle(work, files)
            return work
        _attend(pid, files)


def _settle(work: Work, files: list[int]) -> None:
    """In the forked process: its own group, its files and its folder."""
    os.setpgid(0, 0)
    stdout, stderr, told = files
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (stdout, 1), (stderr, 2)):
        os.dup2(source, target)
    for each in {nothing, stdout, stderr, told} - {0, 1, 2}:
        os.close(each)
    os.chdir(Path(work["folder"]))


def _attend(pid: int, files: list[int]) -> None:
    with suppress(OSError):  # it did so itself, or is no more
        os.setpgid(pid, pid)
    stdout, stderr, told = files
    os.close(stdout)
    os.close(stderr)
    with suppress(BrokenPipeError), open(told, "wb", buffering=0) as telling:  # noqa: PTH123 - a descriptor
        telling.write(b"%d\n" % pid)
        telling.write(b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def _load(name: str) -> None:
    """The module and all that it imports; the module itself is loaded again when it runs, as `__main__`."""
    spec = find_spec(name)
    is_package = spec is not None and spec.submodule_search_locations is not None
    entry = f"{name}.__main__" if is_package else name
    getattr(import_module(entry), "preload", lambda: None)()
    del sys.modules[entry]


if __name__ == "__main__":
    main(sys.argv[1])
