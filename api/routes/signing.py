"""The public half of the key that bundles are signed with."""

from __future__ import annotations

import base64

from fastapi import APIRouter, Request, Response

from api.identity.authentication import MUST_READ
from api.routes import documented
from api.schemas.signing import SigningKey
from api.wire import answers
from api.wire.bodies import JsonRoute
from core import signing
from core.errors import NotFound, Unavailable

router = APIRouter(prefix="/v1", tags=["exports"], route_class=JsonRoute)


class NotSigning(NotFound):
    """This service signs nothing: it has no signing key. You can still check the sha256 of an export."""


@router.get(
    "/signing_key",
    operation_id="get_signing_key",
    dependencies=[MUST_READ],
    response_model=SigningKey,
    responses=documented.problems(401, 403, 404, 500, 503) | documented.NOT_MODIFIED,
)
def get_signing_key(request: Request) -> Response:
    """Read the public key that verifies `signature.json` of a bundle. Keep a copy to check later bundles."""
    try:
        key = signing.public_key()
    except signing.UnusableKey as error:
        raise Unavailable(
            "The signing key cannot be read. Ask the service's operator to check PATCHSWAP_SIGNING_PUBLIC_KEY_FILE."
        ) from error
    if key is None:
        raise NotSigning
    raw = base64.b64encode(key.raw).decode()
    return answers.one(request, SigningKey(algorithm=signing.ALGORITHM, key_id=key.key_id, public_key=raw, pem=key.pem))
