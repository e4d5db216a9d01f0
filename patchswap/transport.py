"""One HTTP call to the service: authentication, retries, errors. What the calls mean is known elsewhere."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack
from urllib.parse import urljoin, urlsplit

import httpx

from patchswap.credentials import Credentials
from patchswap.errors import ApiError, ServiceUnreachable, from_problem
from patchswap.retries import Retries
from patchswap.version import USER_AGENT

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Body:
    """A request body that can be sent again: `open` gives its chunks from the start, `length` their sum in bytes."""

    open: Callable[[], Iterator[bytes]]
    length: int


class Parts(TypedDict, total=False):
    """What a request may have beside its method and path."""

    params: Mapping[str, Any]  # those that are None are left out
    headers: Mapping[str, str]
    json: Any
    body: Body


class Transport:
    """A connection pool to one service. Safe to use from several threads."""

    def __init__(self, credentials: Credentials, *, timeout_seconds: float = 60.0) -> None:
        self.url = credentials.url
        self._authorization = f"Bearer {credentials.api_key}"
        # A proxy named in the environment cannot reach this machine's own loopback.
        trust_env = urlsplit(self.url).hostname not in _LOOPBACK
        timeout = httpx.Timeout(timeout_seconds, connect=10.0)
        self._http = httpx.Client(timeout=timeout, trust_env=trust_env, headers={"User-Agent": USER_AGENT})

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, **params: Any) -> Any:
        """The JSON of a GET; parameters that are None are left out."""
        return read_json(self.call("GET", path, params=params))

    def post(self, path: str, body: Mapping[str, Any] | None = None, *, idempotency_key: str | None = None) -> Any:
        """The JSON of a POST. One Idempotency-Key covers all its retries, so it takes effect once."""
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        return read_json(self.call("POST", path, headers=headers, json=body or {}))

    def delete(self, path: str) -> None:
        self.call("DELETE", path)

    def call(self, method: str, path: str, **parts: Unpack[Parts]) -> httpx.Response:
        """One answer below 400 (304 among them), after retries. Raises ApiError or ServiceUnreachable."""
        retries = Retries()
        while True:
            request = self._request(method, path, **parts)
            try:
                response = self._http.send(request)
            except httpx.TransportError as error:
                retries.after_broken_connection(self._unreachable(error))
                continue
            if response.status_code < 400:
                return response
            if method == "DELETE" and response.status_code == 404 and retries.lost_an_answer:
                return response  # the attempt whose answer got lost did delete it
            retries.after_problem(read_problem(response))

    @contextmanager
    def stream(
        self,
        path: str,
        *,
        headers: Mapping[str, str],
        read_timeout_seconds: float = 60.0,
    ) -> Iterator[httpx.Response]:
        """One attempt at a GET whose body is read as it comes, redirects followed. Raises ApiError for 400 and above.

        Connection errors are httpx's own: only the reader knows how much has arrived and how to go on.
        """
        request = self._request("GET", path, headers=headers)
        request.extensions["timeout"] = httpx.Timeout(read_timeout_seconds, connect=10.0).as_dict()
        response = self._http.send(request, stream=True, follow_redirects=True)
        try:
            if response.status_code >= 400:
                response.read()
                raise read_problem(response)
            yield response
        finally:
            response.close()

    def _request(self, method: str, path: str, **parts: Unpack[Parts]) -> httpx.Request:
        url = urljoin(self.url + "/", path.removeprefix("/")) if "://" not in path else path
        sent = dict(parts.get("headers", {}))
        if _origin(url) == _origin(self.url):  # a presigned url of an object store must not see the key
            sent["Authorization"] = self._authorization
        body = parts.get("body")
        if body is not None:
            sent["Content-Length"] = str(body.length)
        wanted = {name: value for name, value in parts.get("params", {}).items() if value is not None}
        return self._http.build_request(
            method,
            url,
            params=wanted or None,
            headers=sent,
            json=parts.get("json"),
            content=body.open() if body else None,
        )

    def _unreachable(self, error: httpx.TransportError) -> ServiceUnreachable:
        why = "no answer in time" if isinstance(error, httpx.TimeoutException) else str(error) or type(error).__name__
        return ServiceUnreachable(
            f"Cannot reach {self.url} ({why}). Check that the service runs (`patchswap up`) and that the url is right."
        )


def read_json(response: httpx.Response) -> Any:
    """The body of a good answer. Raises ServiceUnreachable where something else than the service gave it."""
    try:
        return response.json()
    except ValueError as error:
        url = response.request.url
        raise ServiceUnreachable(f"{url} did not answer with JSON; is this the url of a patchswap service?") from error


def read_problem(response: httpx.Response) -> ApiError:
    """The error a response carries; also where a proxy in between answered with a page of its own."""
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {"detail": f"{response.request.url.host} answered {response.status_code} {response.reason_phrase}"}
    return from_problem(response.status_code, problem, retry_after=_retry_after(response))


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.replace(".", "", 1).isdigit() else None


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
