"""Connections to Postgres, and who waits for one: for long while they come back, not at all while none does."""

import time
from typing import Any

from sqlalchemy import PoolProxiedConnection, QueuePool, event
from sqlalchemy.exc import TimeoutError as PoolTimeout

CONNECTIONS = 20
LONGEST_WAIT_SECONDS = 5.0
STILL_SECONDS = 0.5


class MovingPool(QueuePool):
    """A burst waits for its turn. Where no connection came back for `STILL_SECONDS`, who waits is refused.

    Made with that as its timeout. Once one was refused so, whoever comes next is refused at once, until a connection
    comes back or as long again is over: so a queue of any length is answered as fast as its first one.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._returns = 0
        self._refused_at_return = -1
        self._refuse_until = 0.0
        event.listen(self, "checkin", self._note_return)

    def connect(self) -> PoolProxiedConnection:
        """Raises sqlalchemy.exc.TimeoutError."""
        give_up_at = time.monotonic() + LONGEST_WAIT_SECONDS
        while True:
            before = self._returns
            if before == self._refused_at_return and time.monotonic() < self._refuse_until:
                raise PoolTimeout("every connection is taken, and none comes back")
            try:
                return super().connect()
            except PoolTimeout:
                if before == self._returns:
                    self._refused_at_return, self._refuse_until = before, time.monotonic() + STILL_SECONDS
                    raise
                if time.monotonic() > give_up_at:
                    raise

    def _note_return(self, *_: object) -> None:
        # Two threads may count as one. That it changes is all that is asked.
        self._returns += 1
