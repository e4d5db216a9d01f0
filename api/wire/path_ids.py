"""Ids in paths: what does not look like one cannot exist, so it is not looked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator

from core.errors import NotFound


def _shaped(pattern: str) -> Callable[[str], str]:
    shape = re.compile(pattern)

    def check(value: str) -> str:
        if not shape.fullmatch(value):
            raise NotFound.by(value)
        return value

    return check


is_job_id = re.compile(r"job_[0-9a-f]{32}").fullmatch


def _typed(prefix: str) -> AfterValidator:
    return AfterValidator(_shaped(rf"{prefix}_[0-9a-f]{{32}}"))


UploadId = Annotated[str, _typed("upl"), Path(examples=["upl_0199f3a2b4c57d01a2b3c4d5e6f70819"])]
DatasetId = Annotated[
    str,
    AfterValidator(_shaped(r"dsv?_[0-9a-f]{32}|(?!dsv?_)[^\x00-\x1f\x7f]{1,220}")),
    Path(
        description="A dataset's id or name. Of `NAME@2` or a version's id its dataset; `latest` is then that version.",
        examples=["ds_0199f3a2b4c57d01a2b3c4d5e6f70819"],
    ),
]
VersionId = Annotated[
    str,
    AfterValidator(_shaped(r"latest|[1-9][0-9]{0,9}|dsv_[0-9a-f]{32}")),
    Path(description="A version's id or number, or `latest`.", examples=["latest"]),
]
JobId = Annotated[str, _typed("job"), Path(examples=["job_0199f3a2b4c57d01a2b3c4d5e6f70819"])]
CheckpointId = Annotated[str, _typed("ckpt"), Path(examples=["ckpt_0199f3a2b4c57d01a2b3c4d5e6f70819"])]
ModelId = Annotated[str, _typed("model"), Path(examples=["model_0199f3a2b4c57d01a2b3c4d5e6f70819"])]
ExportId = Annotated[str, _typed("exp"), Path(examples=["exp_0199f3a2b4c57d01a2b3c4d5e6f70819"])]
AliasName = Annotated[
    str,
    AfterValidator(_shaped(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")),
    Path(description="Letters, digits, `.`, `_` and `-`; up to 64.", examples=["line-3"]),
]
ProfileId = Annotated[str, _typed("prf"), Path(examples=["prf_0199f3a2b4c57d01a2b3c4d5e6f70819"])]
PredictionId = Annotated[str, _typed("prd"), Path(examples=["prd_0199f3a2b4c57d01a2b3c4d5e6f70819"])]
WeightsId = Annotated[
    str,
    AfterValidator(_shaped(r"wts_[a-z0-9_]{1,60}")),
    Path(examples=["wts_0199f3a2b4c57d01a2b3c4d5e6f70819"]),
]
ComparisonId = Annotated[str, _typed("cmp"), Path(examples=["cmp_0199f3a2b4c57d01a2b3c4d5e6f70819"])]
SweepId = Annotated[str, _typed("swp"), Path(examples=["swp_0199f3a2b4c57d01a2b3c4d5e6f70819"])]
WebhookId = Annotated[str, _typed("whk"), Path(examples=["whk_0199f3a2b4c57d01a2b3c4d5e6f70819"])]
DeliveryId = Annotated[str, _typed("whd"), Path(examples=["whd_0199f3a2b4c57d01a2b3c4d5e6f70819"])]
KeyId = Annotated[str, _typed("key"), Path(examples=["key_0199f3a2b4c57d01a2b3c4d5e6f70819"])]
