"""Some images of a dataset version, to look at."""

from __future__ import annotations

import threading
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from api import answers, paging
from api.authentication import Reading
from api.bodies import JsonRoute
from api.paging import Limit, Page
from api.path_ids import DatasetId, VersionId
from api.routes import documented
from api.schemas.datasets import Sample
from api.sessions import Database
from core import datasets, samples, tables
from core.errors import DatasetNotReady, Invalid
from core.spec import PackManifest, Split

router = APIRouter(prefix="/v1/datasets/{dataset_id}/versions/{version_id}/samples", tags=["datasets"])
router.route_class = JsonRoute

MAX_INDEX = 2**31 - 1
# From a bucket an image costs the reading of its record batch, up to 64 MB: two of them at a time.
_TURNS = threading.BoundedSemaphore(2)


@router.get(
    "",
    operation_id="list_dataset_samples",
    response_model=Page[Sample],
    responses=documented.problems(*documented.LIST, 409, 410),
)
def list_dataset_samples(  # noqa: PLR0913 - each is a query parameter
    request: Request,
    principal: Reading,
    session: Database,
    dataset_id: DatasetId,
    version_id: VersionId,
    *,
    limit: Limit = 20,
    after: Annotated[int, Query(ge=-1, le=MAX_INDEX, description="`last_id` of the page before: an index.")] = -1,
    split: Annotated[Literal["train", "val", "test"] | None, Query()] = None,
    class_name: Annotated[str | None, Query(max_length=1000, description="Only this class.")] = None,
) -> Response:
    """Samples in the order of the pack, without their pixels; `image_url` has those."""
    version = datasets.find_version(session, principal.tenant_id, dataset_id, version_id)
    pack = _pack(version)
    wanted = samples.SampleFilter(Split[split.upper()] if split else None, _label(pack.manifest, class_name))
    session.rollback()  # the bucket may be slow; no transaction waits for it
    with _TURNS:
        found = samples.listed(pack, after=after, limit=limit + 1, wanted=wanted)
    base = f"/v1/datasets/{dataset_id}/versions/{version.id}/samples"
    return paging.page(request, [(str(row["index"]), _sample(row, pack.manifest, base)) for row in found], limit)


@router.get(
    "/{index}/image",
    operation_id="get_dataset_sample_image",
    response_class=Response,
    responses={
        200: {
            "content": {
                name: {"schema": {"type": "string", "format": "binary"}}
                for name in ("image/png", "image/jpeg", "image/webp")
            }
        },
        **documented.problems(*documented.READ, 409, 410),
        **documented.NOT_MODIFIED,
    },
)
def get_dataset_sample_image(
    request: Request,
    principal: Reading,
    session: Database,
    dataset_id: DatasetId,
    version_id: VersionId,
    *,
    index: Annotated[int, Path(ge=0, le=MAX_INDEX)],
) -> Response:
    """One image as it is trained on, upright, as a file."""
    version = datasets.find_version(session, principal.tenant_id, dataset_id, version_id)
    pack = _pack(version)
    session.rollback()
    tag = answers.entity_tag(f"{version.id}/{index}".encode())
    headers = {"ETag": tag, "Cache-Control": "private, max-age=86400, immutable"}
    if answers.matches(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    with _TURNS:
        content, media_type = samples.image(pack, index)
    return Response(content, media_type=media_type, headers=headers | {"Content-Disposition": "inline"})


def _pack(version: tables.DatasetVersion) -> samples.Pack:
    if version.status != "ready" or version.manifest is None or version.object_prefix is None:
        raise DatasetNotReady(f"the dataset version is {version.status}")
    return samples.Pack(PackManifest.model_validate(version.manifest), f"{version.object_prefix}samples.arrow")


def _label(manifest: PackManifest, class_name: str | None) -> int | None:
    if class_name is None:
        return None
    if class_name not in manifest.classes:
        raise Invalid("the dataset has no class of this name", pointer="#query/class_name")
    return manifest.classes.index(class_name)


def _sample(row: dict[str, Any], manifest: PackManifest, base: str) -> Sample:
    return Sample(
        index=row["index"],
        label=row["label"],
        class_name=manifest.classes[row["label"]],
        split=Split(row["split"]).name.lower(),
        height=row["height"],
        width=row["width"],
        path=row["path"],
        sha256=row["sha256"].hex(),
        image_url=f"{base}/{row['index']}/image",
    )
