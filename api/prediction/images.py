"""The image of a request, as a file of the disk: the raw body, or the one file of a form."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import IO

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from api.wire.errors import MalformedBody, UnsupportedMediaType
from contract.image_files import MAX_FILE_BYTES
from core.errors import TooLarge

_ENVELOPE_BYTES = 16 * 1024  # what a form adds to its file
_FORM, _RAW = "multipart/form-data", "application/octet-stream"


@asynccontextmanager
async def received(request: Request) -> AsyncIterator[IO[bytes]]:
    """Raises TooLarge, UnsupportedMediaType or MalformedBody."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > MAX_FILE_BYTES + _ENVELOPE_BYTES:
        raise _too_large()  # before any of it was read
    if media_type == _FORM:
        async with _form(request) as form:
            yield _only_file(form)
    elif media_type.startswith("image/") or media_type == _RAW:
        with tempfile.TemporaryFile() as file:
            async for chunk in _limited(request, MAX_FILE_BYTES):
                file.write(chunk)
            yield file
    else:
        raise UnsupportedMediaType(f"Send the image as the body, with its media type or {_RAW}, or in a {_FORM}.")


@asynccontextmanager
async def _form(request: Request) -> AsyncIterator[FormData]:
    parser = MultiPartParser(
        request.headers, _limited(request, MAX_FILE_BYTES + _ENVELOPE_BYTES), max_files=1, max_fields=0
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise MalformedBody(
            f"The form cannot be read. It must hold one file and nothing else: {error.message}."
        ) from error
    try:
        yield form
    finally:
        await form.close()


def _only_file(form: FormData) -> IO[bytes]:
    found = [value for value in form.values() if isinstance(value, UploadFile)]
    if len(found) != 1:
        raise MalformedBody("The form must hold one file. Send the image as its only field.")
    file = found[0].file
    file.fileno()  # moves it from memory to the disk
    return file


async def _limited(request: Request, limit: int) -> AsyncGenerator[bytes]:
    length = 0
    async for chunk in request.stream():
        length += len(chunk)
        if length > limit:
            raise _too_large()
        yield chunk


def _too_large() -> TooLarge:
    return TooLarge(f"An image file may have at most {MAX_FILE_BYTES:,} bytes. Scale it down, or save it as JPEG.")
