"""`python -m contract.child.warm MODULE`: imports a module ahead of its work, then runs it as `python -m MODULE` does.

It waits on stdin for one line, `{"arguments": [...], "folder": "..."}`, and ends where none comes. What the module
needs only at times it may import in a function `preload`.
"""

import json
import os
import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path


def main(name: str) -> None:
    with _silence():
        _load(name)
    line = sys.stdin.readline()
    if not line:
        return
    asked = json.loads(line)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)
    os.chdir(Path(asked["folder"]))
    sys.argv = [name, *asked["arguments"]]
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def _load(name: str) -> None:
    """The module and all that it imports; the module itself is loaded again when it runs, as `__main__`."""
    spec = find_spec(name)
    is_package = spec is not None and spec.submodule_search_locations is not None
    entry = f"{name}.__main__" if is_package else name
    getattr(import_module(entry), "preload", lambda: None)()
    del sys.modules[entry]


@contextmanager
def _silence() -> Iterator[None]:
    """What libraries print when they are imported goes to stderr: stdout is for the module's messages."""
    kept = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, sys.stdout.fileno())
        os.close(kept)


if __name__ == "__main__":
    main(sys.argv[1])
