"""Signed urls that obstore does not make: AWS Signature Version 4, by query parameters.

obstore signs no headers but the host, and then whoever holds the url of a PUT may put as many bytes as a store takes;
and it signs no query, without which nothing can be asked of a bucket's unfinished uploads.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from urllib.parse import quote, urlencode, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True)
class Signer:
    """The service's own key to the store."""

    access_key_id: str
    secret_access_key: str
    region: str

    def put(self, url: str, length: int, *, valid_for: timedelta) -> str:
        """`url`, of the object and without a query, for a PUT of exactly so many bytes."""
        return self.url("PUT", url, {}, headers={"content-length": str(length)}, valid_for=valid_for)

    def url(
        self,
        method: str,
        url: str,
        query: Mapping[str, str],
        *,
        headers: Mapping[str, str] = MappingProxyType({}),
        valid_for: timedelta,
    ) -> str:
        """`url`, which is quoted and has no query, with this query and for a request that has these headers."""
        now = datetime.now(UTC)
        parts, at = urlsplit(url), now.strftime("%Y%m%dT%H%M%SZ")
        signed = dict(sorted({**headers, "host": parts.netloc}.items()))
        scope = f"{at[:8]}/{self.region}/s3/aws4_request"
        values = {
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{self.access_key_id}/{scope}",
            "X-Amz-Date": at,
            "X-Amz-Expires": str(int(valid_for.total_seconds())),
            "X-Amz-SignedHeaders": ";".join(signed),
            **query,
        }
        asked = urlencode(sorted(values.items()), quote_via=quote, safe="")
        lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
        request = f"{method}\n{parts.path}\n{asked}\n{lines}\n{';'.join(signed)}\nUNSIGNED-PAYLOAD"
        text = f"{_ALGORITHM}\n{at}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        signature = hmac.new(self._key(scope), text.encode(), hashlib.sha256).hexdigest()
        return f"{parts.scheme}://{parts.netloc}{parts.path}?{asked}&X-Amz-Signature={signature}"

    def _key(self, scope: str) -> bytes:
        key = f"AWS4{self.secret_access_key}".encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return key
