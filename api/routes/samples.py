"""Some images of a dataset version, to look at."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import StringConstraints

from api.identity.authentication import Reading
from api.routes import documented
from api.schemas.datasets import Box, Sample
from api.wire import answers, paging
from api.wire.bodies import JsonRoute
from api.wire.paging import Limit, Page
from api.wire.path_ids import DatasetId, VersionId
from api.writes.transactions import Database
from contract.pack.manifest import PackManifest, Split
from contract.results.inspected import TwinKind
from core import tables
from core.datasets import inspections, references, samples, thumbnails
from core.errors import DatasetNotReady, Invalid, NotFound

router = APIRouter(prefix="/v1/datasets/{dataset_id}/versions/{version_id}/samples", tags=["datasets"])
router.route_class = JsonRoute

MAX_INDEX = 2**31 - 1
# From a bucket an image costs the reading of its record batch, up to 64 MB: two of them at a time.
PACK_TURNS = threading.BoundedSemaphore(2)
# A thumbnail costs some kilobytes and the bucket's answer: as many as wait for that, and leave threads to others.
THUMBNAIL_TURNS = threading.BoundedSemaphore(8)


def _picture_as(*media_types: str) -> dict[int | str, dict[str, Any]]:
    """`responses=` of a route that answers with a picture."""
    file = {"schema": {"type": "string", "format": "binary"}}
    problems = documented.problems(*documented.READ, 409, 410) | documented.NOT_MODIFIED
    return {200: {"content": dict.fromkeys(media_types, file)}, **problems}


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
    class_name: Annotated[str | None, Query(max_length=1000, description="Only images that show this class.")] = None,
    twins: Annotated[
        TwinKind | None, Query(description="Only images that the inspection lists as near-duplicates of this kind.")
    ] = None,
    path: Annotated[
        list[Annotated[str, StringConstraints(max_length=4096)]],
        Query(max_length=100, description="Only images of these files in the archive, as findings name them."),
    ] = [],  # noqa: B006 - FastAPI makes its own
) -> Response:
    """List samples in the order of the pack, without their pixels; `image_url` has those."""
    version = references.find_version(session, principal.tenant_id, dataset_id, version_id)
    pack = pack_of(version)
    label, prefix = _label(pack.manifest, class_name), _prefix(version)
    session.rollback()  # the bucket may be slow; no transaction waits for it
    with PACK_TURNS:
        chosen = inspections.twins(prefix, twins) if twins else None
        wanted = samples.SampleFilter(Split[split.upper()] if split else None, label, chosen, frozenset(path) or None)
        found = samples.listed(pack, after=after, limit=limit + 1, wanted=wanted)
    base = f"/v1/datasets/{version.dataset_id}/versions/{version.id}/samples"
    return paging.page(request, [(str(row["index"]), _sample(row, pack.manifest, base)) for row in found], limit)


@router.get(
    "/{index}/image",
    operation_id="get_dataset_sample_image",
    response_class=Response,
    responses=_picture_as("image/png", "image/jpeg", "image/webp"),
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
    """Download one image as it is trained on, upright."""
    version = references.find_version(session, principal.tenant_id, dataset_id, version_id)
    pack = pack_of(version)
    session.rollback()
    return _picture(request, f"{version.id}/{index}", lambda: samples.image(pack, index))


@router.get(
    "/{index}/thumbnail",
    operation_id="get_dataset_sample_thumbnail",
    response_class=Response,
    responses=_picture_as("image/png", "image/jpeg", "image/webp"),
)
def get_dataset_sample_thumbnail(
    request: Request,
    principal: Reading,
    session: Database,
    dataset_id: DatasetId,
    version_id: VersionId,
    *,
    index: Annotated[int, Path(ge=0, le=MAX_INDEX)],
) -> Response:
    """Download a thumbnail of one image, at most 256 px a side. Versions of old releases have none."""
    version = references.find_version(session, principal.tenant_id, dataset_id, version_id)
    pack, prefix = pack_of(version), _prefix(version)
    session.rollback()
    name = f"{version.id}/{index}/thumbnail"
    return _picture(request, name, lambda: _thumbnail(pack, prefix, index), turns=THUMBNAIL_TURNS)


def _thumbnail(pack: samples.Pack, prefix: str, index: int) -> tuple[bytes, str]:
    small = thumbnails.thumbnail(pack, prefix, index)
    if small is not None:
        return small, "image/jpeg"
    with PACK_TURNS:
        return samples.image(pack, index)


@router.get(
    "/{index}/mask",
    operation_id="get_dataset_sample_mask",
    response_class=Response,
    responses=_picture_as("image/png"),
)
def get_dataset_sample_mask(
    request: Request,
    principal: Reading,
    session: Database,
    dataset_id: DatasetId,
    version_id: VersionId,
    *,
    index: Annotated[int, Path(ge=0, le=MAX_INDEX)],
    overlay: Annotated[
        bool, Query(description="To lie over the thumbnail: at most 256 px a side, background and 255 transparent.")
    ] = False,
) -> Response:
    """Download the mask of one image: a PNG whose pixels are class numbers, shown in colours."""
    version = references.find_version(session, principal.tenant_id, dataset_id, version_id)
    pack = pack_of(version)
    if pack.manifest.task != "segmentation":
        raise NotFound(f"A {pack.manifest.task} dataset has no masks. Ask for `image` or `thumbnail`.")
    session.rollback()
    name = f"{version.id}/{index}/{'overlay' if overlay else 'mask'}"
    return _picture(request, name, lambda: (samples.mask(pack, index, overlay=overlay), "image/png"))


def _picture(
    request: Request,
    name: str,
    read: Callable[[], tuple[bytes, str]],
    *,
    turns: threading.BoundedSemaphore = PACK_TURNS,
) -> Response:
    """A picture that never changes; it is read only where the caller does not have it yet."""
    tag = answers.entity_tag(name.encode())
    headers = {"ETag": tag, "Cache-Control": "private, max-age=86400, immutable"}
    if answers.matches(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    with turns:
        content, media_type = read()
    return Response(content, media_type=media_type, headers=headers | {"Content-Disposition": "inline"})


def pack_of(version: tables.DatasetVersion) -> samples.Pack:
    if version.status != "ready" or version.manifest is None or version.object_prefix is None:
        raise DatasetNotReady(f"The dataset version is {version.status}.")
    return samples.Pack(PackManifest.model_validate(version.manifest), f"{version.object_prefix}samples.arrow")


def _prefix(version: tables.DatasetVersion) -> str:
    if version.object_prefix is None:
        raise DatasetNotReady(f"The dataset version is {version.status}.")
    return version.object_prefix


def _label(manifest: PackManifest, class_name: str | None) -> int | None:
    if class_name is None:
        return None
    if class_name not in manifest.classes:
        raise Invalid(
            "The dataset has no class of this name. The version lists its `classes`.", pointer="#query/class_name"
        )
    return manifest.classes.index(class_name)


def _sample(row: dict[str, Any], manifest: PackManifest, base: str) -> Sample:
    label = row["label"] if row["label"] >= 0 else None
    return Sample(
        index=row["index"],
        label=label,
        class_name=None if label is None else manifest.classes[label],
        classes=[manifest.classes[number] for number in samples.shown(row)],
        split=Split(row["split"]).name.lower(),
        height=row["height"],
        width=row["width"],
        path=row["path"],
        sha256=row["sha256"].hex(),
        image_url=f"{base}/{row['index']}/image",
        thumbnail_url=f"{base}/{row['index']}/thumbnail",
        mask_url=f"{base}/{row['index']}/mask" if manifest.task == "segmentation" else None,
        boxes=_boxes(row, manifest.classes) if manifest.task == "detection" else None,
    )


def _boxes(row: dict[str, Any], classes: list[str]) -> list[Box]:
    return [
        Box(corners=corners, label=label, class_name=classes[label])
        for corners, label in zip(row["boxes"], row["box_labels"], strict=True)
    ]
