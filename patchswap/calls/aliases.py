"""Aliases: names such as `line-3` that point at a model and a file of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx

from patchswap.calls import pages
from patchswap.errors import NotFound, PreconditionFailed
from patchswap.resources import Alias, AliasChange, Export
from patchswap.resources.bound import Home
from patchswap.transport import Transport, read_json


class Aliases:
    def __init__(self, client: Home) -> None:
        self._client = client
        self._transport: Transport = client.transport

    def set(
        self, name: str, export: Export | str, *, only_if: Alias | str | None = None, only_new: bool = False
    ) -> Alias:
        """Point a name at a file that succeeded.

        `only_if`: the alias, or its ETag, as it was read. Raises PreconditionFailed where it has changed since, or with
        `only_new` where there is one by this name.
        """
        etag = only_if.etag if isinstance(only_if, Alias) else only_if
        headers = {"If-None-Match": "*"} if only_new else {"If-Match": etag} if etag else {}
        body = {"export_id": export if isinstance(export, str) else export.id}
        try:
            return self._read(self._transport.call("PUT", f"/v1/aliases/{name}", json=body, headers=headers))
        except PreconditionFailed:
            found = self._find(name)
            if found is None or found.export_id != body["export_id"]:
                raise
            return found  # an earlier attempt, whose answer got lost, has set it

    def get(self, name: str) -> Alias:
        return self._read(self._transport.call("GET", f"/v1/aliases/{name}"))

    def list(self) -> Iterator[Alias]:
        """Newest first."""
        return (Alias.of(self._client, item) for item in pages.items(self._transport, "/v1/aliases"))

    def history(self, name: str) -> Iterator[AliasChange]:
        """Newest first; also of a name that was deleted."""
        found = pages.items(self._transport, f"/v1/aliases/{name}/history")
        return (AliasChange.model_validate(item) for item in found)

    def delete(self, name: str) -> None:
        """The name alone: model and file stay."""
        self._transport.delete(f"/v1/aliases/{name}")

    def _find(self, name: str) -> Alias | None:
        try:
            return self.get(name)
        except NotFound:
            return None

    def _read(self, answer: httpx.Response) -> Alias:
        told: dict[str, Any] = read_json(answer)
        return Alias.of(self._client, told | {"etag": answer.headers["ETag"]})
