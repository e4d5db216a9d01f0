"""An exported file on an uploaded image: the file that customers load, never the training's network."""

from __future__ import annotations

import base64
import time
from typing import IO, Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from api.identity.authentication import Reading
from api.live.connection import Reader
from api.prediction import images
from api.prediction.loaded import sessions
from api.routes import documented
from api.schemas import predictions
from api.schemas.predictions import Answered, AnyPrediction, PredictionLatency
from api.wire import answers
from api.wire.path_ids import ExportId, ModelId
from api.wire.queries import KnownQuery
from core.decoding import child
from core.errors import Invalid
from core.exports import serving
from core.exports.serving import Served
from portable import preprocess
from portable.tasks import MASKS, TASKS

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=KnownQuery)
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FORM = {
    "schema": {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "format": "binary"}},
        "additionalProperties": False,
    }
}
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}
}
_BODY = {"application/octet-stream": _BINARY, "multipart/form-data": _FORM}  # image/* too: no generator knows it


class ImageIsTiles(Invalid):
    """The model was trained on tiles, and the image is larger than one tile. Use infer.py of its bundle."""


@router.post(
    "/{model_id}/predict",
    operation_id="predict",
    response_model=AnyPrediction,
    responses=_PICTURE | documented.problems(*documented.WRITE, 410),
    openapi_extra={"requestBody": {"required": True, "content": _BODY}},
)
async def predict(
    request: Request,
    principal: Reading,
    model_id: ModelId,
    *,
    export: Annotated[ExportId | None, Query(description="Default: its most accurate int8 file, else fp32.")] = None,
    top: Annotated[
        int | None, Query(ge=1, le=1000, description="Labels in the answer. Default: 5. Not for detection.")
    ] = None,
    threshold: Annotated[
        float | None, Query(ge=0, le=1, description="Lowest score of a box, for detection. Default: 0.3.")
    ] = None,
    _key: Annotated[
        str | None, Header(alias="Idempotency-Key", description="Nothing is kept: a repetition is computed again.")
    ] = None,
) -> Response:
    """Run an exported file on one image: JPEG, PNG, WebP, HEIC and the like, prepared as infer.py of the bundle does.

    The answer is of the model's task. `Accept: image/png` asks a segmentation network for its mask alone.
    """
    served = await _choose(request, principal.tenant_id, model_id, export)
    options = _options(served.task, {"top": top, "threshold": threshold})
    async with images.received(request) as file:
        answer, mask = await run_in_threadpool(_answer, served, file, options)
    headers = {"Cache-Control": "no-store", "Vary": "Accept"}
    if mask is not None and answers.wants_png(request):
        return Response(mask, headers=headers, media_type="image/png")
    return answers.json(200, answers.encode(answer), headers=headers)


async def _choose(request: Request, tenant_id: str, model_id: str, export_id: str | None) -> Served:
    reader: Reader = request.app.state.exports
    found = await reader.rows(serving.CANDIDATES, tenant_id=tenant_id, model_id=model_id, export_id=export_id)
    return serving.choose(found, model_id, export_id)


def _options(task: str, asked: dict[str, float | None]) -> dict[str, Any]:
    """What was asked for, else the defaults of the bundle's infer.py. Raises Invalid for what the task has not."""
    known = TASKS[task].OPTIONS
    for name, value in asked.items():
        if value is not None and name not in known:
            raise Invalid(f"A model for {task} has no {name}. Leave it out.", pointer=f"#query/{name}")
    return {name: option["default"] if asked[name] is None else asked[name] for name, option in known.items()}


def _answer(served: Served, file: IO[bytes], options: dict[str, Any]) -> tuple[Answered, bytes | None]:
    """What the task says, and its mask as a PNG where it has one."""
    begun = time.perf_counter()
    loaded, task = sessions().get(served), TASKS[served.task]
    opened = time.perf_counter()
    image = child.decode(file, **loaded.image)
    decoded = time.perf_counter()
    batch = preprocess.normalise(image.pixels[None], loaded.rules["mean"], loaded.rules["std"])
    tiles = preprocess.tiles_of(image.size, loaded.rules)
    if len(tiles) > 1:
        raise ImageIsTiles(
            f"The image is {len(tiles)} tiles of this model. The service runs one. Use infer.py of the bundle."
        )
    content = preprocess.whole_size(tiles)
    outputs = task.unpadded([output[0] for output in loaded.run(batch)], content)
    ran = time.perf_counter()
    sizes = content, image.size
    mask = MASKS[served.task](outputs) if served.task in MASKS else None
    answer = predictions.of_task(
        served.task,
        model_id=served.model_id,
        export_id=served.export_id,
        format=served.format,
        precision=served.precision,
        image_size=image.size,
        labels=loaded.labels,
        mask=base64.b64encode(mask).decode() if mask else None,
        **task.answer(outputs, loaded.labels, sizes=sizes, **options),
        latency_ms=PredictionLatency(
            decode=1e3 * (decoded - opened), model=1e3 * (ran - decoded), total=1e3 * (ran - begun)
        ),
    )
    return answer, mask
