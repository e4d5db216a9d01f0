"""A claim's lease, renewed by a thread while the file is fetched and measured."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Self

from patchswap.errors import ApiError, PatchswapError, ServiceUnreachable


class ClaimOver(PatchswapError):
    """The claim was lost: the lease ran out, or the service gave the profile to another device."""


class Lease:
    """For the length of a `with`. `check` raises ClaimOver from the moment the claim cannot be this device's any more.

    By this machine's own clock the lease ends no later than by the service's: it is counted from before each request.
    """

    def __init__(self, renew: Callable[[], None], *, asked_at: float, seconds: float, every_seconds: float) -> None:
        self._renew, self._seconds, self._every = renew, seconds, every_seconds
        self._until = asked_at + seconds
        self._refused: ApiError | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)

    def check(self) -> None:
        if self._refused is not None:
            raise ClaimOver(f"the claim was lost: {self._refused}")
        if time.monotonic() >= self._until:
            raise ClaimOver(f"the service could not be reached for {self._seconds:.0f} s, so the claim is over")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _keep(self) -> None:
        while not self._over.wait(self._every):
            asked_at = time.monotonic()
            try:
                self._renew()
            except ServiceUnreachable:
                continue  # it may be there again before the lease ends
            except ApiError as refusal:
                if refusal.status >= 500 or refusal.status == 429:
                    continue
                self._refused = refusal
                return
            self._until = asked_at + self._seconds
