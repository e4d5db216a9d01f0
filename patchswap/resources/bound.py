"""What every answer of the service shares: read-only, and fields of a newer service kept as they came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr


class Resource(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())


class Home(Protocol):
    """What a resource with calls of its own was fetched by: the client, of which nothing here knows more than this.

    The calls are typed where they are written, in `patchswap.calls`, which stands above the resources.
    """

    @property
    def transport(self) -> Any: ...
    @property
    def datasets(self) -> Any: ...
    @property
    def jobs(self) -> Any: ...
    @property
    def comparisons(self) -> Any: ...
    @property
    def sweeps(self) -> Any: ...
    @property
    def models(self) -> Any: ...
    @property
    def exports(self) -> Any: ...
    @property
    def aliases(self) -> Any: ...
    @property
    def profiles(self) -> Any: ...
    @property
    def predictions(self) -> Any: ...
    @property
    def weights(self) -> Any: ...


class Bound(Resource):
    """A resource with calls of its own."""

    _client: Home | None = PrivateAttr(default=None)

    @classmethod
    def of(cls, client: Home, data: Mapping[str, Any]) -> Self:
        found = cls.model_validate(data)
        found._client = client  # noqa: SLF001 - our own
        return found

    @property
    def client(self) -> Home:
        if self._client is None:
            raise RuntimeError("this object was not fetched by a Client")
        return self._client
