"""Aliases: names that point at a model and a file of it."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class AliasTarget(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"export_id": "exp_0199f3a2b4c57d01a2b3c4d5e6f70819"}]}
    )

    export_id: str = Field(max_length=64, description="A file that succeeded; its model is the alias's model.")


class AliasFile(BaseModel):
    """What a download through the alias gives."""

    format: str
    precision: str
    bytes: int
    sha256: str


class Alias(BaseModel):
    name: str
    revision: int = Field(description="Grows with every change; a name that is set again goes on counting.")
    model_id: str
    export_id: str
    file: AliasFile
    created_at: datetime
    changed_at: datetime
    links: dict[str, str]


class AliasChange(BaseModel):
    id: str
    name: str
    revision: int
    model_id: str | None = Field(description="Null: the alias was deleted.")
    export_id: str | None
    key_id: str | None = Field(description="The key that changed it.")
    at: datetime
