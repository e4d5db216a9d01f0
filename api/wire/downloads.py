"""Files out of the object store: a redirect to a presigned URL, or streamed with ranges (RFC 9110 section 14)."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from fastapi import Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from api.wire import answers
from api.wire.errors import RangeNotSatisfiable
from core.store import storage, streaming

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)


@dataclass(frozen=True)
class File:
    """An object to hand out, as its row describes it."""

    key: str
    bytes: int
    sha256: str
    name: str
    media_type: str
    parts: tuple[tuple[str, int], ...] = ()  # objects with their sizes, where it is more than the one by `key`

    @property
    def tag(self) -> str:
        return f'"{self.sha256}"'


# Nothing that a page of ours needs comes from elsewhere, and nothing in it runs, whatever a class is called.
_PAGE_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox"
)


def page(request: Request, file: File) -> Response:
    """An HTML page, always from here, for a store would send it without its policy: 200 or 304."""
    headers = {
        "ETag": file.tag,
        "Cache-Control": "private, no-cache",
        "Content-Security-Policy": _PAGE_POLICY,
        "Referrer-Policy": "no-referrer",
    }
    if answers.matches(request.headers.get("if-none-match"), file.tag):
        return Response(status_code=304, headers=headers)
    headers |= {"Content-Length": str(file.bytes), "Content-Disposition": f'inline; filename="{file.name}"'}
    content = streaming.read(file.key, start=0, end=file.bytes)
    return StreamingResponse(content, media_type=file.media_type, headers=headers)


def answer(request: Request, file: File) -> Response:
    """302 where the store signs URLs and the file is one object, else 200, 206, 304 or 416."""
    signed = None if file.parts else storage.presign("GET", file.key)
    if signed is not None:
        return RedirectResponse(signed, 302, headers={"Cache-Control": "no-store"})
    return streamed(request, file)


def streamed(request: Request, file: File) -> Response:
    """By the api, wherever the store is: 200, 206, 304 or 416."""
    headers = {
        "ETag": file.tag,
        "Cache-Control": "private, no-cache",
        "Accept-Ranges": "bytes",
        "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(file.sha256)).decode()}:",
    }
    if answers.matches(request.headers.get("if-none-match"), file.tag):
        return Response(status_code=304, headers=headers)
    part = _asked(request, file)
    start, end = part or (0, file.bytes)
    headers |= {"Content-Length": str(end - start), "Content-Disposition": f'attachment; filename="{file.name}"'}
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.bytes}"
    return StreamingResponse(
        streaming.read_joined(file.parts or ((file.key, file.bytes),), start=start, end=end),
        206 if part is not None else 200,
        media_type=file.media_type,
        headers=headers,
    )


def whole(file: IO[bytes], *, headers: dict[str, str]) -> Response:
    """An open file, from its begin, which is closed at the end."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    length = {"Content-Length": str(size)}
    return StreamingResponse(_pieces(file), headers=headers | length, media_type="application/octet-stream")


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(streaming.PIECE_BYTES):
            yield piece


def _asked(request: Request, file: File) -> tuple[int, int] | None:
    """The stretch asked for; None for the whole. Several ranges at once are refused, as RFC 9110 allows."""
    value = request.headers.get("range")
    condition = request.headers.get("if-range")
    if value is None or not value.startswith("bytes=") or (condition is not None and condition != file.tag):
        return None
    found = _RANGE.fullmatch(value.replace(" ", "")) if len(value) < 64 else None
    refusal = RangeNotSatisfiable(headers={"Content-Range": f"bytes */{file.bytes}"})
    if found is None or found.groups() == ("", ""):
        raise refusal
    first, last = found.groups()
    if not first:  # the last so many bytes
        start, end = max(0, file.bytes - int(last)), file.bytes
    else:
        start, end = int(first), min(int(last) + 1, file.bytes) if last else file.bytes
    if start >= end or start >= file.bytes:
        raise refusal
    return start, end
