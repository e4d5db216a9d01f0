"""A network that nobody tried here, tried before its job is queued: a child process builds it and runs it once.

Where the api has no trainer beside it, as in its image, or a trial takes longer than a request may, the job is queued:
the worker does the same before it trains.
"""

import os
import subprocess
import sys
from functools import lru_cache, partial
from importlib.util import find_spec
from threading import BoundedSemaphore

from pydantic import ValidationError

from contract.architectures import TIMM
from contract.child import confinement, messages
from contract.pack.manifest import PackManifest
from contract.specs import ResolvedSpec, SpecInvalid, Violation
from core.settings import settings

_NEEDED = ("torch", "timm")
# The request's transaction waits meanwhile, and Postgres ends it after 20 s. A comparison may need two trials.
TURN_SECONDS, WALL_SECONDS = 2.0, 7.0
_turn = BoundedSemaphore(1)  # each takes a core and as much memory as the network


def require(resolved: ResolvedSpec, manifest: PackManifest) -> None:
    """Raises SpecInvalid where the network cannot be trained. Takes some seconds, the first time."""
    if not resolved.model.architecture.startswith(TIMM) or not all(find_spec(name) for name in _NEEDED):
        return
    if not _turn.acquire(timeout=TURN_SECONDS):
        return
    try:
        why = _unfit(
            resolved.model.model_dump_json(),
            len(manifest.classes),
            (manifest.channels, resolved.height, resolved.width),
            reads_stages=resolved.method.reads_stages,
        )
    finally:
        _turn.release()
    if why:
        raise SpecInvalid([Violation(pointer="/model/architecture", code="architecture_unfit", message=why)])


@lru_cache(maxsize=256)
def _unfit(model: str, classes: int, shape: tuple[int, int, int], *, reads_stages: bool) -> str | None:
    """Why it cannot be trained; None where it can, or where the answer took too long and is left to the worker."""
    sides = ",".join(str(side) for side in shape)
    command = [sys.executable, "-P", "-m", settings().trainer_module, "try", "--model", model]
    command += ["--classes", str(classes), "--shape", sides, *(["--stages"] if reads_stages else [])]
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=confinement.environment() | {"PATCHSWAP_DIE_WITH_PARENT": "1", "OMP_NUM_THREADS": "1"},
        process_group=0,
        preexec_fn=partial(confinement.die_with, os.getpid()),  # noqa: PLW1509 - one system call of a loaded library
    )
    try:
        said, _ = child.communicate(timeout=WALL_SECONDS)
    except subprocess.TimeoutExpired:
        return None
    finally:
        child.kill()
        child.communicate()
    return _reason(child.returncode, said)


def _reason(status: int, said: bytes) -> str | None:
    if status == messages.EXIT_DONE:
        return None
    try:
        last = messages.decode(said.splitlines()[-1])
    except (IndexError, ValidationError):
        last = None
    if isinstance(last, messages.Failed):
        return f"{last.error.message} {last.error.remediation}"
    return "The network could not be built and run within a minute of a processor and 24 GiB; take a smaller one."
