"""Multipart uploads that were begun and neither completed nor aborted: what a process leaves that was killed in one.

No listing of objects shows them, in a bucket or in a folder, and obstore has no call for them. So S3 is asked directly,
where its key is ours to sign with; with a cloud role's, a lifecycle rule of the bucket has to do it.
"""

import logging
import os
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from xml.etree.ElementTree import Element

from defusedxml import ElementTree
from obstore.store import LocalStore, S3Store

from core.errors import StoreUnavailable
from core.store import storage
from core.store.presigning import Signer

logger = logging.getLogger(__name__)
TIMEOUT_SECONDS = 30
# What a store says that knows no such list, or lets nobody see it.
REFUSALS = {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED}


@dataclass(frozen=True)
class Unfinished:
    key: str  # in the bucket, the store's own prefix included
    upload_id: str
    begun_at: datetime


def abort_older_than(prefix: str, age: timedelta) -> int:
    """Removes unfinished uploads of keys under a prefix that were begun so long ago. Gives how many they were.

    Raises StoreUnavailable.
    """
    target = storage.store()
    if isinstance(target, LocalStore):
        return _unlink(Path(str(target.prefix)) / prefix, age)
    signer = storage.own_signer()
    if signer is None:
        return 0
    bucket = _Bucket(target, signer)
    before = datetime.now(UTC) - age
    old = [upload for upload in bucket.unfinished(prefix) if upload.begun_at < before]
    for upload in old:
        bucket.abort(upload)
    return len(old)


def _unlink(folder: Path, age: timedelta) -> int:
    """Obstore writes `name#1` and renames it; its own listings leave such names out."""
    before, removed = time.time() - age.total_seconds(), 0
    for root, _, names in os.walk(folder):
        for path in (Path(root, name) for name in names if name.rpartition("#")[2].isdigit() and "#" in name):
            if path.stat().st_mtime < before:
                path.unlink()
                removed += 1
    return removed


class _Bucket:
    """Where obstore finds it: by its path or by its host's name."""

    def __init__(self, store: S3Store, signer: Signer) -> None:
        self._signer = signer
        self._prefix = f"{store.prefix}/" if store.prefix else ""
        self._url = storage.own_url("x").removesuffix(f"/{self._prefix}x")

    def unfinished(self, prefix: str) -> Iterator[Unfinished]:
        query = {"uploads": "", "prefix": self._prefix + prefix}
        markers: dict[str, str] = {}
        while True:
            try:
                page = ElementTree.fromstring(self._ask("GET", self._root(), query | markers))
            except HTTPError as error:
                if error.code not in REFUSALS:
                    raise StoreUnavailable(f"The object store listed no uploads: HTTP {error.code}.") from error
                rule = "give the bucket a lifecycle rule that aborts incomplete uploads"
                logger.warning("the object store refuses to list unfinished uploads (HTTP %d); %s", error.code, rule)
                return
            found = [_of(each) for each in page.findall("{*}Upload")]
            yield from found
            after = {"key-marker": _text(page, "NextKeyMarker"), "upload-id-marker": _text(page, "NextUploadIdMarker")}
            if _text(page, "IsTruncated") != "true" or after == markers or not after["key-marker"]:
                return
            markers = after

    def abort(self, upload: Unfinished) -> None:
        """One that is no more is no error."""
        try:
            self._ask("DELETE", f"{self._url}/{quote(upload.key)}", {"uploadId": upload.upload_id})
        except HTTPError as error:
            if error.code != HTTPStatus.NOT_FOUND:
                message = f"The object store did not abort the upload of {upload.key}: HTTP {error.code}."
                raise StoreUnavailable(message) from error

    def _root(self) -> str:
        return self._url if urlsplit(self._url).path else f"{self._url}/"

    def _ask(self, method: str, url: str, query: dict[str, str]) -> bytes:
        """Raises HTTPError, or StoreUnavailable where nobody answers."""
        signed = self._signer.url(method, url, query, valid_for=storage.PRESIGNED_TTL)
        request = urllib.request.Request(signed, method=method)  # noqa: S310 - the store's own address
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                return bytes(answer.read())
        except HTTPError:
            raise
        except OSError as error:
            raise StoreUnavailable(f"The object store does not answer: {type(error).__name__}.") from error


def _of(element: Element) -> Unfinished:
    begun_at = datetime.fromisoformat(_text(element, "Initiated"))
    return Unfinished(_text(element, "Key"), _text(element, "UploadId"), begun_at)


def _text(element: Element, name: str) -> str:
    return element.findtext(f"{{*}}{name}") or ""
