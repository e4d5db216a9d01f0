"""A file on its way from the service: taken up again where it broke off, and only kept if its sha256 is right."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from patchswap.errors import ApiError, DamagedFile, ServiceUnreachable
from patchswap.retries import is_transient, pause_seconds
from patchswap.transport import Transport

_IDENTITY = {"Accept-Encoding": "identity"}  # the bytes that were hashed, not a compression of them
_FAILURES = 6  # in a row, without a new byte

Progress = Callable[[int, int], None]  # bytes done, bytes in all

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wanted:
    """What is to arrive."""

    url: str
    size: int
    sha256: str


def fetch(transport: Transport, wanted: Wanted, path: Path, progress: Progress | None = None) -> Path:
    """Download to `path`, by way of a `.part` file beside it that a later call goes on with.

    Raises DamagedFile for other bytes than announced, ServiceUnreachable when the service stays away.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Named by the content: the rest of another file is never glued to this one.
    part = path.with_name(f".{path.name}.{wanted.sha256[:16]}.part")
    if _size(part) > wanted.size:
        part.unlink()
    failures = 0
    while _size(part) < wanted.size or not part.exists():
        before = _size(part)
        problem = _fetch_some(transport, wanted, part, progress)
        failures = 0 if _size(part) > before else failures + 1
        if failures >= _FAILURES:
            raise ServiceUnreachable(
                f"The download broke off ({problem}). Run the command again; it continues where it stopped."
            )
        if problem:
            time.sleep(pause_seconds(failures))
    if _sha256(part) != wanted.sha256:
        part.unlink()
        raise DamagedFile(f"What arrived as {path.name} has another sha256 than the service announced. Try again.")
    part.replace(path)
    return path


def _fetch_some(transport: Transport, wanted: Wanted, part: Path, progress: Progress | None) -> Exception | None:
    """One connection, as far as it carries; gives what broke it, if something did."""
    have = _size(part)
    try:
        with transport.stream(
            wanted.url, headers=_IDENTITY | ({"Range": f"bytes={have}-"} if have else {})
        ) as response:
            goes_on = response.status_code == 206
            with part.open("ab" if goes_on else "wb") as sink:
                done = have if goes_on else 0
                for chunk in response.iter_raw():
                    sink.write(chunk)
                    done += len(chunk)
                    if progress:
                        progress(done, wanted.size)
    except httpx.TransportError as error:
        _log.info("download of %s broke after %d bytes: %s", wanted.url, _size(part), error)
        return error
    except ApiError as error:
        if not is_transient(error):
            raise
        return error
    return None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
