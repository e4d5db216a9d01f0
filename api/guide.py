"""The docs at /docs/guide/, as `make docs` built them: beside this package in a wheel, in build/docs of a checkout."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
import re
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from api.wire import answers
from core.errors import NotFound

_ROOT = Path(__file__).parents[1]
FOLDERS = (_ROOT / "guide", _ROOT / "build" / "docs")
INDEX = "index.html"
# Scripts that stand in a page are let in by their hash, so that no other one is.
_POLICY = (
    "default-src 'none'; script-src 'self' {hashes}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_INLINE = re.compile(rb"<script(?![^>]*\b(?:src=|type=\"?application/json))[^>]*>(.*?)</script>", re.DOTALL)
router = APIRouter(include_in_schema=False)


class NotBuilt(NotFound):
    """This service has no guide. Run `make docs` in a checkout of patchswap and start the service again."""


@router.get("/docs/guide")
def to_guide() -> Response:
    return RedirectResponse("/docs/guide/", 307)


@router.get("/docs/guide/{name:path}")
def get_page(request: Request, name: str) -> Response:
    path = _pages().get(name or INDEX)
    if path is None:
        raise NotFound
    content = path.read_bytes()
    headers = {
        "Cache-Control": "public, no-cache",
        "Content-Security-Policy": policy(content) if path.suffix == ".html" else "default-src 'none'",
        "ETag": answers.entity_tag(content),
        "Referrer-Policy": "no-referrer",
    }
    if answers.matches(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=mimetypes.guess_type(name or INDEX)[0])


def policy(page: bytes) -> str:
    """The Content-Security-Policy of a page: its own scripts and nothing from elsewhere."""
    digests = (base64.b64encode(hashlib.sha256(script).digest()).decode() for script in _INLINE.findall(page))
    return _POLICY.format(hashes=" ".join(f"'sha256-{digest}'" for digest in dict.fromkeys(digests)))


@lru_cache(maxsize=1)
def _pages() -> dict[str, Path]:
    """Each file by its path below the folder: no other path is ever opened. Raises NotBuilt."""
    folder = next((each for each in FOLDERS if (each / INDEX).is_file()), None)
    if folder is None:
        raise NotBuilt
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
