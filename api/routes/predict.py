"""An exported file on an uploaded image: the file that customers load, never the training's network."""

from __future__ import annotations

import time
from typing import IO, Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from api import answers
from api.authentication import Reading
from api.path_ids import ExportId, ModelId
from api.prediction import images
from api.prediction.sessions import sessions
from api.routes import documented
from api.schemas.predictions import Prediction, PredictionLatency
from core import serving
from core.database import transaction
from core.decoding import child
from core.inference import preprocess
from core.inference.tasks import TASKS
from core.serving import Served

router = APIRouter(prefix="/v1/models", tags=["models"])
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FORM = {
    "schema": {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "format": "binary"}},
        "additionalProperties": False,
    }
}
_BODY = {"image/*": _BINARY, "application/octet-stream": _BINARY, "multipart/form-data": _FORM}


@router.post(
    "/{model_id}/predict",
    operation_id="predict",
    response_model=Prediction,
    responses=documented.problems(*documented.WRITE, 410),
    openapi_extra={"requestBody": {"required": True, "content": _BODY}},
)
async def predict(
    request: Request,
    principal: Reading,
    model_id: ModelId,
    *,
    export: Annotated[ExportId | None, Query(description="Default: its most accurate int8 file, else fp32.")] = None,
    top: Annotated[int, Query(ge=1, le=1000, description="Labels in the answer.")] = 5,
    _key: Annotated[
        str | None, Header(alias="Idempotency-Key", description="Nothing is kept: a repetition is computed again.")
    ] = None,
) -> Response:
    """Run an exported file on one image: JPEG, PNG, BMP, GIF, WebP or TIFF, prepared as infer.py of the bundle does."""
    served = await run_in_threadpool(_choose, principal.tenant_id, model_id, export)
    async with images.received(request) as file:
        answer = await run_in_threadpool(_answer, served, file, top)
    return answers.json(200, answers.encode(answer), headers={"Cache-Control": "no-store"})


def _choose(tenant_id: str, model_id: str, export_id: str | None) -> Served:
    with transaction() as session:
        return serving.choose(session, tenant_id, model_id, export_id)


def _answer(served: Served, file: IO[bytes], top: int) -> Prediction:
    begun = time.perf_counter()
    loaded = sessions().get(served)
    opened = time.perf_counter()
    pixels = child.decode(file, **loaded.image)
    decoded = time.perf_counter()
    batch = preprocess.normalise(pixels[None], loaded.rules["mean"], loaded.rules["std"])
    logits = loaded.run(batch)
    ran = time.perf_counter()
    return Prediction(
        model_id=served.model_id,
        export_id=served.export_id,
        format=served.format,
        precision=served.precision,
        task=served.task,
        **TASKS[served.task].answer([logits[0]], loaded.labels, sizes=(pixels.shape[:2],) * 2, top=top),
        latency_ms=PredictionLatency(
            decode=1e3 * (decoded - opened), model=1e3 * (ran - decoded), total=1e3 * (ran - begun)
        ),
    )
