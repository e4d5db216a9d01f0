"""Two versions of a dataset, compared."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.identity.authentication import Reading
from api.routes import documented
from api.routes.samples import PACK_TURNS, pack_of
from api.schemas.datasets import ChangedImage, Difference
from api.wire import answers
from api.wire.bodies import JsonRoute
from api.wire.path_ids import DatasetId, VersionId
from api.writes.transactions import Database
from core.datasets import changes, references
from core.datasets import ledger as datasets
from core.errors import NotFound

router = APIRouter(prefix="/v1/datasets/{dataset_id}/versions", tags=["datasets"], route_class=JsonRoute)
Since = Annotated[
    str | None,
    Query(pattern=r"^([1-9][0-9]{0,9}|dsv_[0-9a-f]{32})$", description="Id or number. Default: the one before it."),
]
_GET = documented.problems(*documented.READ) | documented.NOT_MODIFIED


@router.get(
    "/{version_id}/changes",
    operation_id="get_dataset_changes",
    response_model=Difference,
    responses=_GET | documented.problems(409, 410),
)
def get_dataset_changes(
    request: Request,
    principal: Reading,
    session: Database,
    dataset_id: DatasetId,
    version_id: VersionId,
    *,
    since: Since = None,
    limit: Annotated[int, Query(ge=0, le=1000, description="Images to list.")] = 100,
) -> Response:
    """What differs from another version of the dataset: images by the digest of their pixels."""
    version = references.find_version(session, principal.tenant_id, dataset_id, version_id)
    before = (
        references.find_version(session, principal.tenant_id, version.dataset_id, since)
        if since is not None
        else datasets.predecessor(session, version)
    )
    if before is None:
        raise NotFound("This is the first version that is ready. Name another one: `?since=2`.")
    packs = pack_of(before), pack_of(version)
    session.rollback()  # the bucket may be slow
    with PACK_TURNS:
        found = changes.between(*packs)
        images = changes.listed(found, *packs, limit=limit)
    classes = [pack.manifest.classes for pack in packs]
    return answers.one(
        request,
        Difference(
            since=before.number,
            since_version_id=before.id,
            version=version.number,
            version_id=version.id,
            classes_added=[name for name in classes[1] if name not in classes[0]],
            classes_removed=[name for name in classes[0] if name not in classes[1]],
            images=[ChangedImage.model_validate(image) for image in images],
            **found.counts.as_json(),
        ),
    )
