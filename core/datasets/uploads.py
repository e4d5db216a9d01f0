"""Uploads: parts in the object store, checked as a whole, deduplicated by sha256 within a tenant.

The store itself says which parts arrived, so a part put by a presigned URL and one put through the api are the same.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core.accounts import quotas
from core.database import owned
from core.datasets import upload_digests
from core.errors import ChecksumMismatch, Conflict, Invalid, TooLarge, UploadExpired, UploadIncomplete
from core.ids import new_id
from core.settings import settings
from core.store import storage, tags
from core.tables import Dataset, DatasetVersion, Upload, Weights

# A part is what a broken connection costs. Larger ones for larger files keep the count under 1,000.
MIN_PART_BYTES = 16 * 2**20
MAX_PARTS = 1_000


def create(session: Session, tenant_id: str, *, size: int, sha256: str | None, media_type: str) -> Upload:
    """An open upload; or a complete one at once, where the tenant has uploaded these bytes before.

    Without a `sha256`, `complete` must be given one, and nothing is recognised.

    Raises TooLarge or QuotaExceeded.
    """
    if size > settings().max_upload_bytes:
        raise TooLarge(f"An upload may have at most {settings().max_upload_bytes:,} bytes. Split the dataset.")
    quotas.hold(session, tenant_id)
    known = select(Upload).where(
        Upload.tenant_id == tenant_id,
        Upload.sha256 == sha256,
        Upload.bytes == size,
        Upload.status == "complete",
        Upload.same_as.is_(None),
    )
    # The lock keeps the other upload from being aborted before this one counts as its user.
    same = session.scalars(known.limit(1).with_for_update(read=True)).one_or_none() if sha256 else None
    if same is None:
        quotas.require_bytes(session, tenant_id, more=size)
    upload = Upload(
        id=new_id("upl"),
        tenant_id=tenant_id,
        sha256=sha256,
        bytes=size,
        media_type=media_type,
        status="complete" if same else "open",
        part_size=max(MIN_PART_BYTES, -(-size // MAX_PARTS)),
        same_as=same.id if same else None,
        expires_at=func.now() + timedelta(seconds=settings().upload_ttl_seconds),
    )
    session.add(upload)
    session.flush()
    session.refresh(upload)
    return upload


def completed(session: Session, tenant_id: str, upload_id: str) -> Upload:
    """Raises Invalid where there is none by this id, Conflict where parts are still missing."""
    statement = select(Upload).where(Upload.id == upload_id, Upload.tenant_id == tenant_id)
    upload = session.scalars(statement.with_for_update(read=True)).one_or_none()
    if upload is None:
        raise Invalid("There is no upload by this id. Create and complete one first.", pointer="/upload_id")
    if upload.status != "complete":
        raise Conflict(f"The upload is {upload.status}; POST /v1/uploads/{upload.id}/complete first.")
    return upload


def require_open(upload: Upload, now_is_past: bool) -> None:  # noqa: FBT001
    if upload.status == "aborted":
        raise UploadExpired
    if upload.status == "complete":
        raise Conflict("The upload is complete, so its parts cannot change. Create another upload.")
    if now_is_past:
        raise UploadExpired


def is_expired(session: Session, upload: Upload) -> bool:
    """By the database's clock."""
    return bool(session.scalar(select(upload.expires_at < func.now())))


def part_numbers(upload: Upload) -> range:
    return range(1, max(1, -(-upload.bytes // upload.part_size)) + 1)


def part_bytes(upload: Upload, number: int) -> int:
    """How long a part must be. Raises Invalid for a number that the upload does not have."""
    numbers = part_numbers(upload)
    if number not in numbers:
        raise Invalid(f"The parts of this upload are numbered 1 to {numbers[-1]}.", pointer="/number")
    return upload.part_size if number < numbers[-1] else upload.bytes - upload.part_size * (len(numbers) - 1)


def part_key(upload: Upload, number: int) -> str:
    return f"uploads/{upload.same_as or upload.id}/{number:05d}"


def received_parts(upload: Upload) -> set[int]:
    """Numbers of the parts that are stored in their right length."""
    if upload.status == "aborted":
        return set()
    found = storage.sizes(f"uploads/{upload.same_as or upload.id}/")
    return {n for n in part_numbers(upload) if found.get(part_key(upload, n)) == part_bytes(upload, n)}


def expected_sha256(upload: Upload, told: str | None) -> str:
    """What the file must have: told with the announcement, or at its end. Raises Invalid, or ChecksumMismatch."""
    sha256 = upload.sha256 or told
    if sha256 is None:
        raise Invalid("Send the file's `sha256`: none was announced with the upload.", pointer="/sha256")
    if told not in (None, sha256):
        detail = f"The upload was created with the sha256 {sha256}. Create another upload for this file."
        raise ChecksumMismatch(detail, pointer="/sha256")
    return sha256


def verify(upload: Upload, sha256: str) -> None:
    """Compare the stored bytes. Raises UploadIncomplete or ChecksumMismatch. No transaction should be open."""
    found = tags.held(f"uploads/{upload.id}/")
    keys = {number: part_key(upload, number) for number in part_numbers(upload)}
    misfits = {n for n, key in keys.items() if key in found and found[key].bytes != part_bytes(upload, n)}
    storage.delete([keys[n] for n in misfits])  # they count as not received, and no quota counts their bytes
    missing = [n for n, key in keys.items() if n in misfits or key not in found]
    if missing:
        raise UploadIncomplete(
            f"These parts are missing or have the wrong length: {missing[:10]}. Send them again.", missing=missing
        )
    parts = {key: found[key].tag for key in keys.values()}
    # No state that was kept refuses anything: all is read before.
    if upload_digests.digest(upload.id, parts) != sha256 and upload_digests.read_whole(parts) != sha256:
        raise ChecksumMismatch


def content(upload: Upload) -> Iterator[memoryview]:
    """The uploaded file, in chunks."""
    for number in part_numbers(upload):
        yield from storage.read(part_key(upload, number))


def complete(session: Session, upload: Upload, sha256: str) -> None:
    """Mark a verified upload. Raises Conflict when it was aborted meanwhile."""
    statement = (
        update(Upload)
        .where(Upload.id == upload.id, Upload.status != "aborted")
        .values(status="complete", sha256=sha256)
    ).returning(Upload.id)
    if session.scalars(statement).one_or_none() is None:
        raise UploadExpired
    upload.status, upload.sha256 = "complete", sha256
    upload_digests.forget(session, [upload.id])


def abort(session: Session, tenant_id: str, upload_id: str) -> str | None:
    """End an upload; gives the object prefix to delete after the commit. Raises Conflict while something uses it."""
    upload = owned.find(session, Upload, tenant_id, upload_id, lock=True)
    if _has_version(session, upload.id) or _is_shared(session, upload.id):
        raise Conflict("A dataset was made from this upload. Delete the dataset instead.")
    if _has_weights(session, upload.id):
        raise Conflict("Weights are being read from this upload. Wait until they are ready, or delete them.")
    upload.status = "aborted"
    upload_digests.forget(session, [upload.id])
    return None if upload.same_as else f"uploads/{upload.id}/"


def forget(session: Session, upload_ids: Sequence[str]) -> list[str]:
    """End uploads whose versions are deleted; gives the object prefixes to delete after the commit.

    One stays while another version, or weights that are being read, need it; and its bytes stay while another upload
    shares them.
    """
    prefixes = []
    statement = select(Upload).where(Upload.id.in_(upload_ids), Upload.status == "complete").order_by(Upload.id.desc())
    # The newest first: those that share another's bytes are younger than it.
    for upload in session.scalars(statement.with_for_update()):
        prefixes += _forget(session, upload)
    return prefixes


def _forget(session: Session, upload: Upload) -> list[str]:
    if _has_version(session, upload.id) or _has_weights(session, upload.id) or _is_shared(session, upload.id):
        return []
    upload.status = "aborted"
    session.flush()
    if upload.same_as is None:
        return [f"uploads/{upload.id}/"]
    owner = session.get_one(Upload, upload.same_as, with_for_update=True)
    used = select(DatasetVersion.id).where(DatasetVersion.upload_id == owner.id).limit(1)
    # One that no version was made of is still waiting for its use.
    return _forget(session, owner) if owner.status == "complete" and session.scalar(used) else []


def _has_version(session: Session, upload_id: str) -> bool:
    living = (
        select(DatasetVersion.id)
        .join(Dataset, Dataset.id == DatasetVersion.dataset_id)
        .where(DatasetVersion.upload_id == upload_id, DatasetVersion.deleted_at.is_(None), Dataset.deleted_at.is_(None))
    )
    return session.scalar(living.limit(1)) is not None


def _has_weights(session: Session, upload_id: str) -> bool:
    reading = select(Weights.id).where(Weights.upload_id == upload_id, Weights.status.in_(("queued", "running")))
    return session.scalar(reading.limit(1)) is not None


def _is_shared(session: Session, upload_id: str) -> bool:
    sharing = select(Upload.id).where(Upload.same_as == upload_id, Upload.status == "complete")
    return session.scalar(sharing.limit(1)) is not None


def abort_expired(session: Session, *, limit: int) -> list[str]:
    """End open uploads whose time is over, at most so many; gives the prefixes of objects to delete after the commit.

    One that somebody holds, completing it, is left to the next look.
    """
    over = select(Upload.id).where(Upload.status == "open", Upload.expires_at < func.now())
    over = over.limit(limit).with_for_update(skip_locked=True)
    statement = update(Upload).where(Upload.id.in_(over)).values(status="aborted").returning(Upload.id)
    ended = list(session.scalars(statement))
    upload_digests.forget(session, ended)
    return [f"uploads/{upload_id}/" for upload_id in ended]
