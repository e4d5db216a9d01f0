"""Single calls to the api by http.client, which is lighter than a client that retries."""

from __future__ import annotations

import http.client
import json
import uuid
from typing import Any

from serving import Api


def post(api: Api, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(call(api, "POST", path, json.dumps(body)))
    return answer


def call(api: Api, method: str, path: str, body: str | None = None) -> bytes:
    headers = {
        "Authorization": api.authorization,
        "Content-Type": "application/json",
        "Idempotency-Key": str(uuid.uuid4()),
    }
    connection = connect(api)
    connection.request(method, path, body=body, headers=headers)
    content = read(connection.getresponse())
    connection.close()
    return content


def connect(api: Api) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", api.port, timeout=120)


def read(answer: http.client.HTTPResponse) -> bytes:
    content = answer.read()
    if answer.status >= 400:
        raise AssertionError(f"{answer.status}: {content.decode(errors='replace')}")
    return content
