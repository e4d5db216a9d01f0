"""What every answer of the service shares: read-only, and fields of a newer service kept as they came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr

if TYPE_CHECKING:
    from patchswap.client import Client


class Resource(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())


class Bound(Resource):
    """A resource with calls of its own."""

    _client: Client | None = PrivateAttr(default=None)

    @classmethod
    def of(cls, client: Client, data: Mapping[str, Any]) -> Self:
        found = cls.model_validate(data)
        found._client = client  # noqa: SLF001 - our own
        return found

    @property
    def client(self) -> Client:
        if self._client is None:
            raise RuntimeError("this object was not fetched by a Client")
        return self._client
