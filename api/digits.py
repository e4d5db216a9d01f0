"""The demo's data at /ui/digits.npz: handwritten digits of 8 x 8 px, split as `patchswap.demo` splits them.

From scikit-learn, which has them of E. Alpaydin, C. Kaynak: Optical Recognition of Handwritten Digits, UCI, CC BY 4.0.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request, Response

from api import console
from api.wire import answers

FILE = Path(__file__).with_suffix(".npz")
router = APIRouter(include_in_schema=False)


@router.get("/ui/digits.npz")
def get_digits(request: Request) -> Response:
    content = FILE.read_bytes()
    headers = console.headers(tag=answers.entity_tag(content), lasting="no-cache")
    if answers.matches(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type="application/octet-stream")
