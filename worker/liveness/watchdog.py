"""Ends a worker that no longer takes messages, so that whoever supervises it starts it again.

It runs beside the sweeper, in a process that goes on while the worker's own stands still. The training of a worker is a
third process that needs no consumer: it is left to its end, and the worker is ended after it.
"""

import logging
import os
import signal
import threading
import time

import redis

from core import queue
from core.settings import settings
from worker.liveness.consumer_state import Pulse

logger = logging.getLogger(__name__)
LOOKS = 9  # in a row that must find the worker deaf


def start(worker: int, pulse: Pulse, queue_name: str) -> None:
    """From a thread of this process, until the worker ends."""
    watchdog = Watchdog(worker, pulse, queue_name)
    threading.Thread(target=watchdog.run, name="watchdog", daemon=True).start()


class Watchdog:
    """Counts looks and no time: nothing is held against a worker while all of its processes were stopped together."""

    def __init__(self, worker: int, pulse: Pulse, queue_name: str) -> None:
        self._worker = worker
        self._pulse = pulse
        self._queue = queue_name
        self._last = pulse.read()
        self._still = self._starved = 0

    def run(self) -> None:
        while True:
            time.sleep(settings().deaf_seconds / LOOKS)
            if self.is_deaf():
                self._end()

    def is_deaf(self) -> bool:
        """One look: True where it found the worker deaf, after enough others that did.

        Deaf is a consumer that does not go round, and one that goes round and, idle, takes none of the messages that
        wait. Nobody is judged while the broker is away: then a consumer waits for it.
        """
        try:
            waiting = queue.depth(self._queue)
        except redis.RedisError:
            self._still = self._starved = 0
            return False
        sign, last = self._pulse.read(), self._last
        self._still = self._still + 1 if sign.turns == last.turns else 0
        starves = waiting > 0 and not sign.busy and sign.begun == last.begun
        self._starved = self._starved + 1 if starves else 0
        self._last = sign
        return max(self._still, self._starved) >= LOOKS

    def _end(self) -> None:
        told = f"the consumer of process {self._worker} takes no messages from {self._queue}"
        if self._last.busy:
            logger.warning("%s; it is ended once its task is over", told)
            return
        # A container's first process cannot be killed from inside: there this line is written again and again.
        logger.error("%s: ended, to be started again; in a container that needs `--init`", told)
        os.kill(self._worker, signal.SIGKILL)
