"""What a device says to the service: claim, renew, report, release. Each call names the fence of its claim."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

from patchswap.resources.bound import Resource
from patchswap.transport import Transport, read_json

_POLL_SECONDS = 5.0  # where the service does not say


class Bundle(Resource):
    bytes: int
    sha256: str
    format: str
    precision: str


class Claim(Resource):
    """A profile that this device holds, as long as its lease is renewed."""

    profile_id: str
    export_id: str
    fence: int
    lease_seconds: float
    heartbeat_seconds: float
    bundle: Bundle
    links: dict[str, str]
    asked_at: float  # time.monotonic() before the claim was asked for: the lease cannot be older


class Nothing(Resource):
    """No profile waits."""

    ask_again_seconds: float


def claim(transport: Transport, device: str, host: str) -> Claim | Nothing:
    """Raises ApiError or ServiceUnreachable. One Idempotency-Key covers the retries: a lost answer loses no claim."""
    asked_at = time.monotonic()
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    body = {"device": device, "host": host}
    answer = transport.call("POST", "/v1/device/claims", headers=headers, json=body)
    if answer.status_code == 204:
        asked = answer.headers.get("Retry-After", "")
        return Nothing(ask_again_seconds=float(asked) if asked.isdecimal() else _POLL_SECONDS)
    return Claim.model_validate({**read_json(answer), "asked_at": asked_at})


def renew(transport: Transport, held: Claim) -> None:
    transport.call("PATCH", held.links["lease"], json={"fence": held.fence})


def report(transport: Transport, held: Claim, found: Mapping[str, Any]) -> None:
    """`found` is what `portable.profiling` printed: `measured` or `error`."""
    body: dict[str, Any] = {"fence": held.fence}
    if "error" in found:
        body["error"] = {"code": found["error"]["code"], "message": found["error"]["message"][:2000]}
    else:
        body["measured"] = _figures(found["measured"])
    transport.post(held.links["report"], body)


def release(transport: Transport, held: Claim, *, counted: bool) -> None:
    transport.post(held.links["release"], {"fence": held.fence, "counted": counted})


def _figures(measured: Mapping[str, Any]) -> dict[str, Any]:
    differences = {key: value for key, value in measured.items() if key.endswith("_difference")}
    others = {key: value for key, value in measured.items() if key not in differences}
    return {**others, "golden_differences": differences}
