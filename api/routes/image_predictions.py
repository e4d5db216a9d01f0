"""What a model said of each held-out image, to look at its mistakes."""

from __future__ import annotations

import threading
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Query, Request, Response

from api.identity.authentication import Reading
from api.routes import documented
from api.schemas.image_predictions import AnyJudgedImage, of_task
from api.wire import paging
from api.wire.bodies import JsonRoute
from api.wire.paging import Limit, Page
from api.wire.path_ids import ModelId
from api.writes.transactions import Database
from contract.tasks import TaskName
from core import tables
from core.database import owned
from core.errors import Invalid, NotFound
from core.predictions import rows
from core.predictions.rows import Sort, Wanted

router = APIRouter(prefix="/v1/models/{model_id}/predictions", tags=["models"], route_class=JsonRoute)

MAX_INDEX = 2**31 - 1
_TURNS = threading.BoundedSemaphore(2)  # a file of a million rows takes 200 MB while it is read


class NoPredictions(NotFound):
    """The model was published before predictions were kept, or nothing was held out. Train again to see them."""


@router.get(
    "",
    operation_id="list_model_predictions",
    response_model=Page[AnyJudgedImage],
    responses=documented.problems(*documented.LIST),
)
def list_model_predictions(  # noqa: PLR0913 - each is a query parameter
    request: Request,
    principal: Reading,
    session: Database,
    model_id: ModelId,
    *,
    limit: Limit = 20,
    after: Annotated[
        int | None, Query(ge=0, le=MAX_INDEX, description="`last_id` of the page before: an index.")
    ] = None,
    split: Annotated[
        Literal["test", "val"] | None, Query(description="Default: the split that the model's figures are of.")
    ] = None,
    error: Annotated[bool | None, Query(description="Only images that are judged wrong, or right.")] = None,
    class_name: Annotated[
        str | None, Query(alias="class", max_length=1000, description="Only images that show this class.")
    ] = None,
    predicted: Annotated[
        str | None, Query(max_length=1000, description="Only images in which the network names this class.")
    ] = None,
    sort: Annotated[
        Sort,
        Query(
            description="`worst`: the highest loss first; of boxes, the most that are missed or spurious. `best`: the "
            "reverse. `sure`, `unsure`: the highest or the lowest probability first. `index`: as in the dataset."
        ),
    ] = "worst",
) -> Response:
    """List what the published network said of each held-out image, the worst first."""
    model = owned.find(session, tables.Model, principal.tenant_id, model_id)
    if model.predictions_key is None:
        raise NoPredictions
    version = session.get_one(tables.DatasetVersion, model.dataset_version_id)
    for name, value in (("class", class_name), ("predicted", predicted)):
        _require_class(version, value, parameter=name)
    key, task, samples = model.predictions_key, model.task, _samples_url(version)
    wanted = Wanted(split or _judged_on(model), error, class_name, predicted, sort)
    session.rollback()  # the store may be slow; no transaction waits for it
    with _TURNS:
        found = rows.page(rows.read(key), cast("TaskName", task), wanted, after=after, limit=limit + 1)
    return paging.page(request, [(str(row["index"]), of_task(task, row, samples)) for row in found], limit)


def _judged_on(model: tables.Model) -> str:
    split: str = model.evaluation["main"]["evaluation_split"]
    return split


def _samples_url(version: tables.DatasetVersion) -> str:
    return f"/v1/datasets/{version.dataset_id}/versions/{version.id}/samples"


def _require_class(version: tables.DatasetVersion, name: str | None, *, parameter: str) -> None:
    """Raises Invalid."""
    if name is not None and name not in (version.manifest or {})["classes"]:
        raise Invalid(
            "The model has no class of this name. Its dataset version lists the `classes`.",
            pointer=f"#query/{parameter}",
        )
