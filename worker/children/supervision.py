"""The loop around one child process: its messages are heeded, the claim is kept, and it is stopped when asked.

How a run may end is named here, one exception each; `worker.tasks.job_endings` says what each means for a job.
"""

import logging
import time
from collections.abc import Callable

from contract.child import messages
from contract.child.messages import EXIT_DONE, EXIT_FAILED, AnyMessage, JobError
from core.settings import settings
from worker.children.child import Child, GarbageOutput, describe_exit
from worker.claims.lease import TICK_SECONDS, Asked, Lease, margin_seconds

logger = logging.getLogger(__name__)
# Of the grace, this much is the trainer's to save; the rest is for the upload of what it saved.
CHILD_SHARE = 0.5


class TrainerFailed(Exception):
    """The child named an error; trying again would give the same."""

    def __init__(self, error: JobError) -> None:
        super().__init__(f"{error.code}: {error.message}")
        self.error = error


class Crashed(Exception):
    """The child ended without saying why."""


def supervise(lease: Lease, child: Child, heed: Callable[[AnyMessage], None] = lambda _: None) -> None:
    """Attend a run of the trainer until it is done. Raises what may end it otherwise."""
    last = attend(lease, child, heed)
    if child.exit_code == EXIT_DONE and isinstance(last, messages.Done):
        return
    if child.exit_code == EXIT_FAILED and isinstance(last, messages.Failed):
        raise TrainerFailed(last.error)
    raise crashed(child)


def attend(lease: Lease, child: Child, heed: Callable[[AnyMessage], None] = lambda _: None) -> AnyMessage | None:
    """Hear a child out; gives its last message. Raises Fenced, Asked, Stalled or Crashed, and then it is no more."""
    last: AnyMessage | None = None
    try:
        while not child.is_over:
            last = _hear(lease, child, heed) or last
            lease.tick()
    except Asked as asked:
        _stop(lease, child, heed, asked)
        raise
    except GarbageOutput as error:
        raise Crashed(str(error)) from error
    finally:
        child.kill()
    return last


def crashed(child: Child) -> Crashed:
    """How it ended, with the last line it wrote on stderr."""
    words = f": {child.last_words}" if child.last_words else ""
    return Crashed(f"the process ended with {describe_exit(child.exit_code or 0)}{words}")


def _hear(lease: Lease, child: Child, heed: Callable[[AnyMessage], None]) -> AnyMessage | None:
    message = child.next_message(TICK_SECONDS)
    if message is not None:
        heed(message)
        lease.advance()
    return message


def _stop(lease: Lease, child: Child, heed: Callable[[AnyMessage], None], asked: Asked) -> None:
    """Let the child save its state, as long as there is time. Raises Fenced."""
    logger.info("stopping the child: %s", asked.by)
    child.ask_to_stop()
    seconds = margin_seconds() if asked.by == "lease" else settings().grace_seconds
    deadline = time.monotonic() + seconds * CHILD_SHARE
    while not child.is_over and time.monotonic() < deadline:
        _hear(lease, child, heed)
        lease.beat()
    if child.exit_code is None:
        logger.warning("the child did not stop within %.1f s", seconds * CHILD_SHARE)
