"""API keys: the secret is in the answer to their making, once."""

from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from core.accounts.keys import Granted, Scope


class NewKey(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "ci", "scopes": ["read", "write"]}]}
    )

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    scopes: list[Granted] = Field(
        ["read"],
        min_length=1,
        max_length=4,
        description="The scope `device` is for a machine that measures files. No scope implies another.",
    )
    expires_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _is_ahead(self) -> Self:
        if self.expires_at is not None and self.expires_at <= datetime.now(UTC):
            raise ValueError("`expires_at` is past. Give a time to come.")
        return self


class ApiKey(BaseModel):
    id: str
    name: str
    prefix: str = Field(description="The key's first characters.")
    scopes: list[Scope]
    expires_at: datetime | None
    revoked_at: datetime | None
    created_at: datetime


class CreatedKey(ApiKey):
    api_key: str | None = Field(description="The key itself. It is not kept: null where this answer is a repetition.")
