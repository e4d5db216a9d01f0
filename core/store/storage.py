"""Objects: packs, checkpoints, exports, upload parts. One interface over a local folder and S3 (obstore).

Keys of what a worker writes carry its fence, so that a stale worker never overwrites a visible object.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, S3Store

from core.errors import ChecksumMismatch, NotFound, StoreUnavailable
from core.settings import Settings, settings
from core.store.presigning import Signer

CHUNK_BYTES = 8 * 2**20
LOCAL_CHUNK_BYTES = 2**20
# Each part has the client's 60 s, and on a slow link those under way share it: four of 5 MiB take 350 KB/s.
PARTS_AT_ONCE = 4
PRESIGNED_TTL = timedelta(minutes=15)
_moved: ContextVar[Callable[[], None]] = ContextVar("moved", default=lambda: None)


@dataclass(frozen=True)
class StoredFile:
    key: str
    bytes: int
    sha256: str
    members: dict[str, dict[str, Any]] | None = None  # of a bundle: core.exports.bundle_files.Member by name


@lru_cache
def store() -> LocalStore | S3Store:
    return open_store(settings())


def open_store(config: Settings, *, patient: bool = True, endpoint: str | None = None) -> LocalStore | S3Store:
    """`endpoint` counts more than the setting."""
    url = urlsplit(config.objects_url)
    if url.scheme == "file":
        return LocalStore(prefix=url.path, mkdir=True)
    if url.scheme != "s3":
        raise ValueError(f"PATCHSWAP_OBJECTS_URL must begin with file:// or s3://, not {config.objects_url!r}")
    return S3Store(
        url.netloc,
        prefix=url.path.strip("/") or None,
        endpoint=endpoint or config.s3_endpoint,
        access_key_id=config.s3_access_key_id,
        secret_access_key=config.s3_secret_access_key,
        region=config.s3_region,
        client_options={
            "allow_http": True,
            "timeout": "60s" if patient else "3s",
            "connect_timeout": "5s" if patient else "2s",
        },
        retry_config={"max_retries": 5 if patient else 0, "retry_timeout": timedelta(seconds=60)},
    )


def is_local() -> bool:
    return isinstance(store(), LocalStore)


@contextmanager
def telling(moved: Callable[[], None]) -> Iterator[None]:
    """Within it `moved` is called, for what this thread stores and fetches, at each chunk and after each request."""
    token = _moved.set(moved)
    try:
        yield
    finally:
        _moved.reset(token)


def put_bytes(key: str, content: bytes) -> StoredFile:
    with store_errors(key):
        obstore.put(store(), key, content)
    return StoredFile(key, len(content), hashlib.sha256(content).hexdigest())


def put_file(key: str, path: Path, *, sha256: str | None = None) -> StoredFile:
    """Store a file; its size in the store is checked. `sha256` spares a second reading where it is known."""
    with store_errors(key), path.open("rb") as file:
        obstore.put(store(), key, _Told(file, _moved.get()), max_concurrency=PARTS_AT_ONCE)
        _moved.get()()
        stored = int(obstore.head(store(), key)["size"])
    if stored != path.stat().st_size:
        raise ChecksumMismatch(f"{key}: {stored} bytes stored of {path.stat().st_size}.")
    return StoredFile(key, stored, sha256 or sha256_of(path))


def get_bytes(key: str) -> bytes:
    with store_errors(key):
        return bytes(obstore.get(store(), key).bytes())


def get_file(key: str, path: Path, *, sha256: str | None = None) -> None:
    """Fetch an object whole or not at all: a partial or altered one never appears under `path`.

    Raises NotFound, StoreUnavailable, or ChecksumMismatch where the object is not what its row says.
    """
    partial = path.with_name(path.name + ".partial")
    digest = hashlib.sha256()
    try:
        with partial.open("wb", buffering=0) as file:  # others see how far it is
            for chunk in read(key):
                digest.update(chunk)
                file.write(chunk)
        if sha256 is not None and digest.hexdigest() != sha256:
            raise ChecksumMismatch(f"The object {key} is not the one that was stored; its sha256 differs.")
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)


def read(key: str, *, start: int = 0, end: int | None = None) -> Iterator[memoryview]:
    """The bytes from `start` up to `end`, in chunks."""
    with store_errors(key):
        if is_local():
            end = int(obstore.head(store(), key)["size"]) if end is None else end
            # A range at a time: obstore's stream of a local file is read 8 KiB at a time, 20 times slower.
            for offset in range(start, end, LOCAL_CHUNK_BYTES):
                stop = min(end, offset + LOCAL_CHUNK_BYTES)
                yield memoryview(obstore.get_range(store(), key, start=offset, end=stop))
                _moved.get()()
            return
        options: Any = {"range": (start, end)} if end is not None else {"range": {"offset": start}} if start else None
        for chunk in obstore.get(store(), key, options=options).stream(min_chunk_size=CHUNK_BYTES):
            _moved.get()()
            yield memoryview(chunk)


def size(key: str) -> int | None:
    """Bytes of an object; None when there is none."""
    try:
        with store_errors(key):
            return int(obstore.head(store(), key)["size"])
    except NotFound:
        return None


def sizes(prefix: str) -> dict[str, int]:
    """Key and bytes of everything under a prefix."""
    with store_errors(prefix):
        return {str(o["path"]): int(o["size"]) for page in obstore.list(store(), prefix) for o in page}


def older_than(prefix: str, age: timedelta) -> Iterator[list[str]]:
    """Keys under a prefix that were written so long ago, in pages."""
    before = datetime.now(UTC) - age
    with store_errors(prefix):
        for page in obstore.list(store(), prefix):
            if old := [str(o["path"]) for o in page if o["last_modified"] < before]:
                yield old


def delete(keys: list[str]) -> None:
    """Remove objects; one that is not there is no error."""
    for key in keys:
        try:
            with store_errors(key):
                obstore.delete(store(), key)
        except NotFound:
            continue


def delete_prefix(prefix: str) -> None:
    delete(list(sizes(prefix)))


def presign(method: str, key: str) -> str | None:
    """A URL for a client, who needs no key of ours for a quarter of an hour.

    None where clients do not reach the store: it is a local folder, or PATCHSWAP_DOWNLOADS says so.
    """
    target = _public_store()
    if not isinstance(target, S3Store) or settings().downloads == "stream":
        return None
    with store_errors(key):
        return str(obstore.sign(target, method, key, PRESIGNED_TTL))


def own_url(key: str) -> str:
    """Where this process itself finds an object of an S3 server; quoted, without a query."""
    target = store()
    if not isinstance(target, S3Store):
        raise TypeError("objects of a local folder have no url")
    with store_errors(key):
        return str(obstore.sign(target, "GET", key, PRESIGNED_TTL)).partition("?")[0]


def presign_upload(key: str, length: int) -> str | None:
    """A URL to put exactly so many bytes; None where clients do not reach the store.

    Where the store's key is not ours to sign with, as one of a cloud role, the length stays open.
    """
    url, signer = presign("PUT", key), own_signer()
    if url is None or signer is None:
        return url
    return signer.put(url.partition("?")[0], length, valid_for=PRESIGNED_TTL)


def own_signer() -> Signer | None:
    """None where the store's key is not one of our settings."""
    config = settings()
    if not (config.s3_access_key_id and config.s3_secret_access_key):
        return None
    return Signer(config.s3_access_key_id, config.s3_secret_access_key, config.s3_region)


def ping() -> None:
    """Raises StoreUnavailable when the store does not answer at once: no retries here."""
    try:
        with store_errors("ping"):
            obstore.head(_impatient_store(), "ping")
    except NotFound:
        return


@lru_cache
def _public_store() -> LocalStore | S3Store:
    """Signs by the name that clients know; nothing is sent there. It is the store itself where there is one name."""
    public = settings().s3_public_endpoint
    return open_store(settings(), endpoint=public) if public else store()


@lru_cache
def _impatient_store() -> LocalStore | S3Store:
    return open_store(settings(), patient=False)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Told:
    """A file that tells of each part that the store has taken: one is read when there is room for it."""

    def __init__(self, file: IO[bytes], moved: Callable[[], None]) -> None:
        self._file, self._moved = file, moved
        self._ahead = PARTS_AT_ONCE + 1

    def read(self, count: int = -1) -> bytes:
        if self._ahead:
            self._ahead -= 1
        else:
            self._moved()
        return self._file.read(count)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


@contextmanager
def store_errors(key: str) -> Iterator[None]:
    """Errors of obstore as ours; all but "not there" mean that the store is away or refuses."""
    try:
        yield
        _moved.get()()
    except (FileNotFoundError, NotFoundError) as error:
        raise NotFound(f"No object {key}.") from error
    except (BaseError, OSError, TimeoutError) as error:
        raise StoreUnavailable(f"The object store failed on {key}: {type(error).__name__}.") from error
