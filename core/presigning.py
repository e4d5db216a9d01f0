"""A presigned PUT that fixes the length of its body: AWS Signature Version 4, by query parameters.

obstore signs no headers but the host, and then whoever holds the url may put as many bytes as a store takes.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"
_SIGNED = "content-length;host"


@dataclass(frozen=True)
class Signer:
    """The service's own key to the store."""

    access_key_id: str
    secret_access_key: str
    region: str

    def put(self, url: str, length: int, *, valid_for: timedelta) -> str:
        """`url`, of the object and without a query, for a PUT of exactly so many bytes."""
        now = datetime.now(UTC)
        parts, at = urlsplit(url), now.strftime("%Y%m%dT%H%M%SZ")
        scope = f"{at[:8]}/{self.region}/s3/aws4_request"
        values = {
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{self.access_key_id}/{scope}",
            "X-Amz-Date": at,
            "X-Amz-Expires": str(int(valid_for.total_seconds())),
            "X-Amz-SignedHeaders": _SIGNED,
        }
        query = urlencode(sorted(values.items()), quote_via=quote, safe="")
        headers = f"content-length:{length}\nhost:{parts.netloc}\n"
        request = f"PUT\n{parts.path}\n{query}\n{headers}\n{_SIGNED}\nUNSIGNED-PAYLOAD"
        text = f"{_ALGORITHM}\n{at}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        signature = hmac.new(self._key(scope), text.encode(), hashlib.sha256).hexdigest()
        return f"{parts.scheme}://{parts.netloc}{parts.path}?{query}&X-Amz-Signature={signature}"

    def _key(self, scope: str) -> bytes:
        key = f"AWS4{self.secret_access_key}".encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return key
