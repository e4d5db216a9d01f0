"""Connections to Postgres, and who waits for one: for long while they come and go, not at all while none does."""

import time
from typing import Any

from sqlalchemy import PoolProxiedConnection, QueuePool, event
from sqlalchemy.exc import TimeoutError as PoolTimeout

CONNECTIONS = 20
LONGEST_WAIT_SECONDS = 5.0
STILL_SECONDS = 0.5
LOOK_SECONDS = 0.1  # who waits looks so often whether anything moves


class MovingPool(QueuePool):
    """A burst waits for its turn. Where no connection came back or was made for `STILL_SECONDS`, who waits is refused.

    Made with `LOOK_SECONDS` as its timeout. Once one was refused so, whoever waits or comes next is refused at once,
    until a connection moves or as long again is over: so a queue of any length is answered as fast as its first one.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._moves, self._moved_at = 0, 0.0
        self._refused_at_move, self._refuse_until = -1, 0.0
        for name in ("checkin", "checkout"):  # on a busy machine it takes seconds until all of them are made
            event.listen(self, name, self._note_move)

    def connect(self) -> PoolProxiedConnection:
        """Raises sqlalchemy.exc.TimeoutError."""
        asked_at = time.monotonic()
        while True:
            moves = self._moves
            if moves == self._refused_at_move and time.monotonic() < self._refuse_until:
                raise PoolTimeout("every connection is taken, and none comes back")
            try:
                return super().connect()
            except PoolTimeout:
                now = time.monotonic()
                if now - max(asked_at, self._moved_at) >= STILL_SECONDS:
                    self._refused_at_move, self._refuse_until = moves, now + STILL_SECONDS
                    raise
                if now - asked_at >= LONGEST_WAIT_SECONDS:
                    raise

    def _note_move(self, *_: object) -> None:
        # Two threads may count as one. That it changes is all that is asked.
        self._moves += 1
        self._moved_at = time.monotonic()
