"""A file on its way to the service: hashed, cut in parts, sent part by part, taken up again where it broke off."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from patchswap.errors import BadInput, Conflict, Gone
from patchswap.transport import Body, Transport

_CHUNK_BYTES = 2**20
_URLS_LAST_SECONDS = 300.0

Progress = Callable[[int, int], None]  # bytes done, bytes in all


def push(transport: Transport, path: Path, *, media_type: str, progress: Progress | None = None) -> str:
    """The id of a complete upload of this file.

    The upload is found again by the file's own hash, by whichever process asks: what arrived before is not sent twice.
    """
    size, sha256 = fingerprint(path)
    body = {"bytes": size, "sha256": sha256, "media_type": media_type}
    try:
        upload_id = _begin(transport, body, idempotency_key=f"upload-{sha256}-{size}-{media_type.replace('/', '-')}")
        _finish(transport, path, upload_id, size=size, progress=progress)
    except Gone:  # begun too long ago, or given up meanwhile
        upload_id = _begin(transport, body)
        _finish(transport, path, upload_id, size=size, progress=progress)
    if progress:
        progress(size, size)
    return upload_id


def fingerprint(path: Path) -> tuple[int, str]:
    """Bytes and sha256 of a file. Raises BadInput for one that is empty or cannot be read."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadInput(f"Cannot read {path}: {error.strerror}.") from error
    if size == 0:
        raise BadInput(f"{path} is empty.")
    return size, sha256


def _begin(transport: Transport, body: dict[str, Any], *, idempotency_key: str | None = None) -> str:
    """A new upload; or, by a key made of the content, the one that was begun for the same bytes before."""
    return str(transport.post("/v1/uploads", body, idempotency_key=idempotency_key)["id"])


def _finish(transport: Transport, path: Path, upload_id: str, *, size: int, progress: Progress | None) -> None:
    """Send what has not arrived and have the whole checked. Looks again whenever urls may have grown old."""
    before = 0
    while True:
        upload = transport.get(f"/v1/uploads/{upload_id}")
        if upload["status"] == "complete":
            return
        missing = [part for part in upload["parts"] if not part["received"]]
        if not missing or len(missing) == before:
            transport.post(f"/v1/uploads/{upload_id}/complete")
            return
        with suppress(Conflict):  # another process has just completed the same upload: the next look tells
            _send(transport, path, missing, part_size=int(upload["part_size"]), size=size, progress=progress)
        before = len(missing)


def _send(
    transport: Transport,
    path: Path,
    missing: list[dict[str, Any]],
    *,
    part_size: int,
    size: int,
    progress: Progress | None,
) -> None:
    """Part by part, until all are sent or their presigned urls are about to expire."""
    until = time.monotonic() + _URLS_LAST_SECONDS
    left = sum(_part_bytes(part["number"], part_size, size) for part in missing)
    for part in missing:
        length = _part_bytes(part["number"], part_size, size)
        body = _part(path, (part["number"] - 1) * part_size, length, _counted(progress, size - left, size))
        transport.call("PUT", part["url"], headers=part["headers"], body=body)
        left -= length
        if time.monotonic() > until:
            return


def _part_bytes(number: int, part_size: int, size: int) -> int:
    return min(part_size, size - (number - 1) * part_size)


def _counted(progress: Progress | None, done: int, size: int) -> Callable[[int], None]:
    return (lambda sent: progress(done + sent, size)) if progress else (lambda _: None)


def _part(path: Path, offset: int, length: int, sent: Callable[[int], None]) -> Body:
    """A stretch of the file as a body that can be sent again."""

    def chunks() -> Iterator[bytes]:
        left = length
        with path.open("rb") as file:
            file.seek(offset)
            while left:
                chunk = file.read(min(_CHUNK_BYTES, left))
                if not chunk:
                    raise BadInput(f"{path} became shorter while it was uploaded. Start again.")
                left -= len(chunk)
                yield chunk
                sent(length - left)

    return Body(open=chunks, length=length)
