"""Uploads: announced, sent in parts that may be repeated, checked as a whole."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.concurrency import run_in_threadpool

from api.identity.authentication import Reading, Writing
from api.routes import documented
from api.schemas.uploads import Completion, NewUpload, Part, Upload
from api.wire import answers
from api.wire.bodies import JsonRoute
from api.wire.path_ids import UploadId
from api.writes.idempotency import OneTime
from api.writes.removal import forget
from api.writes.transactions import Database
from core import tables
from core.database import owned
from core.database.database import transaction
from core.datasets import upload_digests, uploads
from core.settings import settings
from core.store import storage, streaming

router = APIRouter(prefix="/v1/uploads", tags=["uploads"], route_class=JsonRoute)

Number = Annotated[int, Path(ge=1, le=uploads.MAX_PARTS)]


@router.post(
    "",
    status_code=201,
    operation_id="create_upload",
    response_model=Upload,
    responses=documented.problems(*documented.WRITE),
)
def create_upload(request: Request, principal: Writing, once: OneTime, session: Database, body: NewUpload) -> Response:
    """Announce a file. If the service has its bytes already, the upload is complete at once.

    `sha256` may come now or with `complete`. Only now can the service tell that it has the bytes.
    """
    upload = uploads.create(
        session, principal.tenant_id, size=body.bytes, sha256=body.sha256, media_type=body.media_type
    )
    answer = once.answer(201, _page(request, upload), headers={"Location": f"/v1/uploads/{upload.id}"})
    session.commit()
    return answer


@router.get(
    "/{upload_id}",
    operation_id="get_upload",
    response_model=Upload,
    responses=documented.problems(*documented.READ) | documented.NOT_MODIFIED,
)
def get_upload(request: Request, principal: Reading, session: Database, upload_id: UploadId) -> Response:
    """Show which parts arrived, and where to send the others."""
    page = _page(request, owned.find(session, tables.Upload, principal.tenant_id, upload_id))
    return answers.one(request, page, tag=_tag(page))


@router.put(
    "/{upload_id}/parts/{number}",
    status_code=204,
    response_class=Response,
    operation_id="put_upload_part",
    responses=documented.problems(*documented.READ, 409, 410),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def put_upload_part(request: Request, principal: Writing, upload_id: UploadId, number: Number) -> Response:
    """Send the bytes of one part. Sending it again replaces it."""
    key, size, begun = await run_in_threadpool(_expected, principal.tenant_id, upload_id, number)
    announced = request.headers.get("content-length")
    if announced is not None and announced != str(size):
        raise streaming.WrongLength(
            f"Part {number} has {size} bytes, and the body has {announced}. Send exactly the part."
        )
    tag = await streaming.put(key, request.stream(), size=size, see=begun.hash.update if begun else None)
    if begun:
        await run_in_threadpool(upload_digests.keep, upload_id, begun, tag)
    return answers.nothing()


@router.post(
    "/{upload_id}/complete",
    operation_id="complete_upload",
    response_model=Upload,
    responses=documented.problems(*documented.WRITE, 410),
)
def complete_upload(  # noqa: PLR0917 - as FastAPI passes them
    request: Request,
    principal: Writing,
    once: OneTime,
    session: Database,
    upload_id: UploadId,
    body: Completion | None = None,
) -> Response:
    """Check the sha256 of the whole file. If it differs from the one you sent, send the file again."""
    upload = owned.find(session, tables.Upload, principal.tenant_id, upload_id)
    is_open = upload.status != "complete"
    if is_open:
        uploads.require_open(upload, now_is_past=uploads.is_expired(session, upload))
    sha256 = uploads.expected_sha256(upload, body.sha256 if body else None)
    if is_open:
        session.commit()  # reading a large file takes longer than a transaction should
        uploads.verify(upload, sha256)
        uploads.complete(session, upload, sha256)
    answer = once.answer(200, _page(request, upload))
    session.commit()
    return answer


@router.delete(
    "/{upload_id}",
    status_code=204,
    response_class=Response,
    operation_id="delete_upload",
    responses=documented.problems(*documented.REMOVE),
)
def delete_upload(request: Request, principal: Writing, session: Database, upload_id: UploadId) -> Response:
    """Delete an upload and its parts, unless a dataset was made from it."""
    upload = owned.find(session, tables.Upload, principal.tenant_id, upload_id, lock=True)
    answers.require_match(request, lambda: _tag(_page(request, upload)))
    prefix = uploads.abort(session, principal.tenant_id, upload_id)
    session.commit()
    return forget([prefix] if prefix else [])


def _expected(tenant_id: str, upload_id: str, number: int) -> tuple[str, int, upload_digests.Begun | None]:
    """Key and length of a part that may be put now, and the hash of the parts before it.

    The transaction is over before the bytes come.
    """
    with transaction() as session:
        upload = owned.find(session, tables.Upload, tenant_id, upload_id)
        uploads.require_open(upload, now_is_past=uploads.is_expired(session, upload))
        key, size = uploads.part_key(upload, number), uploads.part_bytes(upload, number)
        return key, size, upload_digests.before(session, upload.id, number)


def _page(request: Request, upload: tables.Upload) -> Upload:
    received = uploads.received_parts(upload)
    parts = [
        Part(number=number, url=_url(request, upload, number), headers={}, received=number in received)
        for number in uploads.part_numbers(upload)
    ]
    return Upload(
        id=upload.id,
        status=upload.status,
        bytes=upload.bytes,
        sha256=upload.sha256,
        media_type=upload.media_type,
        part_size=upload.part_size,
        parts=parts,
        deduplicated=upload.same_as is not None,
        expires_at=upload.expires_at,
        created_at=upload.created_at,
    )


def _url(request: Request, upload: tables.Upload, number: int) -> str:
    key, length = uploads.part_key(upload, number), uploads.part_bytes(upload, number)
    signed = storage.presign_upload(key, length) if upload.status == "open" else None
    if signed is not None:
        return signed
    # Where nobody said how clients reach us, the way this one came is the best guess.
    public = settings().public_url if "public_url" in settings().model_fields_set else str(request.base_url)
    return f"{public.rstrip('/')}/v1/uploads/{upload.id}/parts/{number}"


def _tag(page: Upload) -> str:
    """Without the urls: a signature is another one each second."""
    return answers.entity_tag(page.model_dump_json(exclude={"parts": {"__all__": {"url"}}}).encode())
