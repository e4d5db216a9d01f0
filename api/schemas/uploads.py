"""Uploads and their parts."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contract.strict import Strict

MediaType = Annotated[str, StringConstraints(max_length=127, pattern=r"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+$")]

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class NewUpload(Strict):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"bytes": 1048576, "sha256": "0123456789abcdef" * 4, "media_type": "application/zip"}]
        },
    )

    bytes: int = Field(ge=1, le=2**53, description="Of the whole file.")
    sha256: Sha256 | None = Field(
        None, description="Of the whole file. Bytes that are known are not sent again; without it, `complete` needs it."
    )
    media_type: MediaType = "application/octet-stream"


class Completion(Strict):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"sha256": "0123456789abcdef" * 4}]})

    sha256: Sha256 | None = Field(
        None, description="Of the whole file. Required where the upload was announced without."
    )


class Part(BaseModel):
    number: int
    url: str = Field(description="Where to PUT the part's bytes: with your key where it is ours, else without.")
    headers: dict[str, str]
    received: bool


class Upload(BaseModel):
    id: str
    status: Literal["open", "complete", "aborted"]
    bytes: int
    sha256: str | None = Field(description="Null until it was sent.")
    media_type: str
    part_size: int = Field(description="Bytes of every part but the last.")
    parts: list[Part]
    deduplicated: bool = Field(description="The bytes were here before; nothing need be sent.")
    expires_at: datetime
    created_at: datetime
