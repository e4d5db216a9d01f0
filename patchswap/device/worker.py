"""`patchswap worker`: claim a profile, measure its file, report; until Ctrl-C or SIGTERM."""

from __future__ import annotations

import random
import re
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from patchswap import credentials
from patchswap.calls import downloads
from patchswap.calls.downloads import Wanted
from patchswap.device import claims, measuring
from patchswap.device.claims import Claim, Nothing
from patchswap.device.lease import ClaimOver, Lease
from patchswap.device.measuring import Crashed
from patchswap.errors import (
    ApiError,
    BadInput,
    DamagedFile,
    Forbidden,
    PatchswapError,
    RateLimited,
    ServiceUnreachable,
    Unavailable,
)
from patchswap.transport import Transport

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")  # as core.settings has it
_LONGEST_PAUSE_SECONDS = 60.0
_RENEWAL_TIMEOUT_SECONDS = 10.0


class Stopped(BaseException):
    """Ctrl-C or SIGTERM: give the claim back and end."""


def run(device: str) -> None:
    """Until it is stopped. Raises BadInput, NoCredentials or, where the service refuses its key, PatchswapError."""
    if not _NAME.fullmatch(device):
        raise BadInput(
            f"{device!r} is not a valid name of a device. Use up to 63 letters, digits, dots, dashes and underscores."
        )
    found = credentials.find()
    worker = _Worker(device, Transport(found), Transport(found, timeout_seconds=_RENEWAL_TIMEOUT_SECONDS))
    with _stopped_by_signals():
        worker.work()


class _Worker:
    def __init__(self, device: str, transport: Transport, renewals: Transport) -> None:
        self._device, self._host = device, re.sub(r"[^\x21-\x7e]", "-", socket.gethostname())[:253] or "unknown"
        self._transport, self._renewals = transport, renewals
        self._failures = 0

    def work(self) -> None:
        """Claim after claim; a service that is away is asked again, at most a minute later."""
        _say(f"{self._device}: ready to measure for {self._transport.url}")
        while True:
            try:
                found = claims.claim(self._transport, self._device, self._host)
                self._failures = 0
            except Forbidden as refusal:
                raise PatchswapError(f"{refusal}; {_KEY}") from refusal
            except (ServiceUnreachable, Unavailable, RateLimited) as error:
                _say(f"waiting for the service: {error}")
                self._pause(min(_LONGEST_PAUSE_SECONDS, 5.0 * 2**self._failures))
                self._failures += 1
                continue
            if isinstance(found, Nothing):
                self._pause(found.ask_again_seconds)
            else:
                self._attempt(found)

    def _pause(self, seconds: float) -> None:
        time.sleep(random.uniform(seconds / 2, seconds))  # noqa: S311 - spreads devices, guards nothing

    def _attempt(self, held: Claim) -> None:
        _say(f"{held.profile_id}: measuring {held.export_id} ({held.bundle.format} {held.bundle.precision})")
        lease = Lease(
            lambda: claims.renew(self._renewals, held),
            asked_at=held.asked_at,
            seconds=held.lease_seconds,
            every_seconds=held.heartbeat_seconds,
        )
        try:
            with lease:
                self._report(held, self._measure(held, lease), lease)
        except Stopped:
            self._release(held, counted=False)
            raise
        except (Crashed, DamagedFile) as error:
            _say(f"{held.profile_id}: {error}")
            self._release(held, counted=True)
        except (ClaimOver, ServiceUnreachable, ApiError) as error:
            _say(f"{held.profile_id}: dropped: {error}")  # the lease runs out, and another claim does the work

    def _measure(self, held: Claim, lease: Lease) -> dict[str, Any]:
        with tempfile.TemporaryDirectory(prefix="patchswap-device-") as folder:
            wanted = Wanted(held.links["bundle"], held.bundle.bytes, held.bundle.sha256)
            path = Path(folder) / "bundle.zip"
            bundle = downloads.fetch(self._transport, wanted, path, progress=lambda _done, _all: lease.check())
            return measuring.measure(bundle, look=lease.check)

    def _report(self, held: Claim, found: dict[str, Any], lease: Lease) -> None:
        lease.check()  # a machine that was suspended knows it here, before it asks
        claims.report(self._transport, held, found)
        if "error" in found:
            _say(f"{held.profile_id}: failed: {found['error']['message']}")
            return
        measured = found["measured"]
        holds = "holds" if measured["golden_holds"] else "DOES NOT HOLD"
        _say(f"{held.profile_id}: {measured['latency_ms_p50']:.3f} ms (p50); the golden output {holds}")

    def _release(self, held: Claim, *, counted: bool) -> None:
        try:
            claims.release(self._renewals, held, counted=counted)
        except (ServiceUnreachable, ApiError) as error:
            _say(f"{held.profile_id}: not given back, its lease will run out: {error}")


_KEY = "make a key with `patchswap keys create NAME --scope device`, then `patchswap login` with it"


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """The first signal raises Stopped wherever the worker is; further ones wait for its end."""

    def stop(_number: int, _frame: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        raise Stopped

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        yield
    except Stopped:
        _say("stopped")


def _say(line: str) -> None:
    print(line, flush=True)
