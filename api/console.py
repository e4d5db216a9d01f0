"""The console at /ui/: built from `console/` and committed, so that whoever runs the api needs no Node."""

from __future__ import annotations

import gzip
import mimetypes
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from api.wire import answers
from core.errors import NotFound

FOLDER = Path(__file__).parent / "page"
INDEX = "index.html"
HASHED = "assets/"  # names that change with their content
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; worker-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class File:
    name: str
    content: bytes

    @cached_property
    def zipped(self) -> bytes:
        return gzip.compress(self.content, mtime=0)

    @cached_property
    def tag(self) -> str:
        return answers.entity_tag(self.content)

    @property
    def headers(self) -> dict[str, str]:
        lasting = "public, max-age=31536000, immutable" if self.name.startswith(HASHED) else "no-cache"
        return headers(tag=self.tag, lasting=lasting)


def headers(*, tag: str, lasting: str) -> dict[str, str]:
    """Of everything below /ui/; a worker keeps to the policy that its own file came with."""
    return {
        "Cache-Control": lasting,
        "Content-Security-Policy": POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
        "ETag": tag,
        "Referrer-Policy": "no-referrer",
        "Vary": "Accept-Encoding",
    }


def _read() -> dict[str, File]:
    """All files, by their path below the folder."""
    paths = [path for path in FOLDER.rglob("*") if path.is_file()]
    return {name: File(name, path.read_bytes()) for path in paths if (name := path.relative_to(FOLDER).as_posix())}


FILES = _read()


@router.get("/")
@router.get("/ui")
def to_console() -> Response:
    return RedirectResponse("/ui/", 307)


@router.get("/ui/{name:path}")
def get_file(request: Request, name: str) -> Response:
    file = FILES.get(name or INDEX)
    if file is None:
        raise NotFound
    if answers.matches(request.headers.get("if-none-match"), file.tag):
        return Response(status_code=304, headers=file.headers)
    media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.zipped, headers=file.headers | {"Content-Encoding": "gzip"}, media_type=media_type)
    return Response(file.content, headers=file.headers, media_type=media_type)
