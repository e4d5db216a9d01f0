"""Receipts of jobs: opened, checked against a key, and compared with another one."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from patchswap import signatures
from patchswap.errors import BadInput, DamagedFile

PAYLOAD_TYPE = "application/vnd.patchswap.receipt+json"
# What a job is called, and what it made.
_NOT_COMPARED = (
    *("attempts:", "checkpoints:", "exports:", "job_id:", "model_id:", "resolved.name:", "version:"),
    *("spec.", "weights."),
)


@dataclass(frozen=True)
class Receipt:
    """What a job was made from and what it made; `envelope` is the file as the service signed it."""

    envelope: bytes
    content: Mapping[str, Any]

    @property
    def is_signed(self) -> bool:
        return bool(json.loads(self.envelope)["signatures"])

    @property
    def weights_sha256(self) -> str:
        return str(self.content["weights"]["sha256"])


def read(envelope: bytes) -> Receipt:
    """Raises BadInput for what is no receipt."""
    try:
        told = json.loads(envelope)
        if told["payloadType"] != PAYLOAD_TYPE:
            raise BadInput(f"This is signed as {told['payloadType']}, not as a receipt.")
        content = json.loads(base64.b64decode(told["payload"], validate=True))
        found = Receipt(envelope, content)
        _ = found.is_signed, found.weights_sha256, content["spec"], content["dataset"]["version_id"]
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput("This is not a receipt as `patchswap jobs receipt` writes it.") from error
    return found


def check(receipt: Receipt, pem: str) -> str:
    """The id of the key that signed it. Raises DamagedFile where that key did not, BadInput for a key that is none."""
    told = json.loads(receipt.envelope)
    payload, kind = base64.b64decode(told["payload"]), told["payloadType"].encode()
    signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    for each in told["signatures"]:
        if signatures.is_signed(signed, each.get("sig", ""), pem):
            return str(each.get("keyid"))
    raise DamagedFile("The receipt is not signed by this key, or it was changed. Do not rely on it.")


def differences(one: Receipt, other: Receipt) -> list[str]:
    """What differs between two receipts that may be why their weights do, a line each: `environment.torch: a, b`."""
    return [line for line in _differ("", one.content, other.content) if not line.startswith(_NOT_COMPARED)]


def _differ(path: str, one: Any, other: Any) -> Iterator[str]:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for name in sorted({*one, *other}):
            yield from _differ(f"{path}.{name}" if path else name, one.get(name), other.get(name))
    elif one != other:
        yield f"{path}: {json.dumps(one)}, now {json.dumps(other)}"
