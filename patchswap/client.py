"""The way in: `Client()`, with one attribute per kind of resource. The calls themselves are in the modules beside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Self

from patchswap import credentials
from patchswap.calls import pages
from patchswap.calls.aliases import Aliases
from patchswap.calls.comparisons import Comparisons
from patchswap.calls.datasets import Datasets
from patchswap.calls.exports import Exports
from patchswap.calls.jobs import Jobs
from patchswap.calls.models import Models
from patchswap.calls.predictions import Predictions
from patchswap.calls.profiles import Profiles
from patchswap.calls.sweeps import Sweeps
from patchswap.calls.usage import UsageCalls
from patchswap.calls.webhooks import Webhooks
from patchswap.calls.weights import WeightsCalls
from patchswap.resources import ApiKey, AuditEntry, LoginLink, Recipe, Worker
from patchswap.transport import Transport


class Client:
    """Talks to one service. Thread-safe; use it as a context manager, or close it, or leave it to the program's end.

    `url` and `api_key` come from the arguments, else PATCHSWAP_URL and PATCHSWAP_API_KEY, else the file of
    `patchswap login`, else that of a service `patchswap up` started here. Raises NoCredentials.
    """

    def __init__(self, url: str | None = None, api_key: str | None = None, *, timeout_seconds: float = 60.0) -> None:
        self.transport = Transport(credentials.find(url, api_key), timeout_seconds=timeout_seconds)
        self.datasets = Datasets(self)
        self.jobs = Jobs(self)
        self.comparisons = Comparisons(self)
        self.sweeps = Sweeps(self)
        self.models = Models(self)
        self.exports = Exports(self)
        self.aliases = Aliases(self)
        self.profiles = Profiles(self)
        self.predictions = Predictions(self)
        self.weights = WeightsCalls(self)
        self.usage = UsageCalls(self.transport)
        self.webhooks = Webhooks(self.transport)
        self.keys = Keys(self.transport)
        self.recipes = Recipes(self.transport)

    @property
    def url(self) -> str:
        return self.transport.url

    def service_version(self) -> Mapping[str, Any]:
        """What the service says it runs."""
        found: Mapping[str, Any] = self.transport.get("/version")
        return found

    def me(self) -> Mapping[str, Any]:
        """Whose key this is, what it may do, and the quotas of its tenant with their use."""
        found: Mapping[str, Any] = self.transport.get("/v1/me")
        return found

    def workers(self) -> tuple[Worker, ...]:
        """Those of the service that ran within a day, those that run first."""
        return tuple(Worker.model_validate(item) for item in self.transport.get("/v1/workers")["data"])

    def audit(self) -> Iterator[AuditEntry]:
        """What was changed with which key, newest first; needs the scope `admin`."""
        found = pages.items(self.transport, "/v1/audit", order="desc")
        return (AuditEntry.model_validate(item) for item in found)

    def login_link(self) -> LoginLink:
        """Logs a browser in to the console with the scopes of this key: `URL/ui/#login=SECRET`."""
        return LoginLink.model_validate(self.transport.post("/v1/sessions/links"))

    def close(self) -> None:
        self.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Keys:
    """API keys; needs the scope `admin`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self, name: str, *, scopes: Sequence[str] = ("read", "write"), expires_at: datetime | None = None
    ) -> ApiKey:
        """The new key; its `api_key` is told this once."""
        body: dict[str, Any] = {"name": name, "scopes": list(scopes)}
        if expires_at is not None:
            body["expires_at"] = expires_at.isoformat()
        key = ApiKey.model_validate(self._transport.post("/v1/api_keys", body))
        if key.api_key is None:  # the answer that told it got lost: nobody can use this one
            self.revoke(key.id)
            return self.create(name, scopes=scopes, expires_at=expires_at)
        return key

    def list(self) -> list[ApiKey]:
        return [ApiKey.model_validate(item) for item in pages.items(self._transport, "/v1/api_keys")]

    def get(self, key_id: str) -> ApiKey:
        return ApiKey.model_validate(self._transport.get(f"/v1/api_keys/{key_id}"))

    def revoke(self, key_id: str) -> None:
        """At once; revoking twice is no error."""
        self._transport.delete(f"/v1/api_keys/{key_id}")


class Recipes:
    """Named starting points for a spec."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> list[Recipe]:
        return [Recipe.model_validate(item) for item in self._transport.get("/v1/recipes")["data"]]

    def get(self, name: str) -> Recipe:
        return Recipe.model_validate(self._transport.get(f"/v1/recipes/{name}"))

    def schema(self, name: str) -> dict[str, Any]:
        """JSON Schema of a spec, with this recipe's defaults."""
        schema: dict[str, Any] = self._transport.get(f"/v1/recipes/{name}/schema")
        return schema
