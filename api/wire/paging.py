"""Keyset cursors and the one envelope of every list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Generic, Literal, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, Field

from api.wire import answers
from core.listing import Window

Item = TypeVar("Item")
_TYPED_ID = r"^((upl|ds|dsv|job|ckpt|model|exp|prf|prd|key|cmp|swp|aud|whk|whd)_[0-9a-f]{32}|wts_[a-z0-9_]{1,60})$"
Limit = Annotated[int, Query(ge=1, le=200, description="Items per page.")]


class Page(BaseModel, Generic[Item]):
    object: Literal["list"]
    data: list[Item]
    first_id: str | None
    last_id: str | None = Field(description="The cursor: `after` of the next page.")
    has_more: bool
    next: str | None = Field(description='Reference to the next page; also as `Link: rel="next"`.')


def cursor(
    limit: Limit = 20,
    after: Annotated[str | None, Query(description="`last_id` of the page before.", pattern=_TYPED_ID)] = None,
    order: Annotated[Literal["asc", "desc"], Query(description="Order by time of creation.")] = "desc",
) -> Window:
    return Window(limit=limit, after=after, descending=order == "desc")


InOrder = Annotated[Window, Depends(cursor)]


def page(request: Request, found: Sequence[tuple[str, Any]], limit: int) -> Response:
    """The answer for up to `limit` + 1 pairs of cursor and item: the one too many says that there is more."""
    shown = found[:limit]
    more = len(found) > limit
    last = shown[-1][0] if shown else None
    following = _following(request, last) if more and last is not None else None
    content = {
        "object": "list",
        "data": [item.model_dump(mode="json") if isinstance(item, BaseModel) else item for _, item in shown],
        "first_id": shown[0][0] if shown else None,
        "last_id": last,
        "has_more": more,
        "next": following,
    }
    headers = {"Link": f'<{following}>; rel="next"'} if following else {}
    return answers.json(200, answers.encode(content), headers=headers)


def _following(request: Request, last: str) -> str:
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in ("after", "wait")]
    return f"{request.url.path}?{urlencode([*kept, ('after', last)])}"
