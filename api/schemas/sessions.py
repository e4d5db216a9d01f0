"""Sessions of a browser, and who is asking."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from core.accounts.keys import Scope


class NewSession(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{}]})

    link: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = Field(
        None, description="The secret of a login link. Without it the request brings a key as Bearer."
    )


class Session(BaseModel):
    page_token: str = Field(description="Send it as X-Patchswap-Token with POST, PATCH, PUT and DELETE.")
    ends_at: datetime


class LoginLink(BaseModel):
    secret: str = Field(description="Works once. The page takes it as /ui/#login=SECRET.")
    ends_at: datetime


class Quota(BaseModel):
    used: int
    limit: int


class Quotas(BaseModel):
    bytes: Quota
    images: Quota
    queued_jobs: Quota
    running_jobs: Quota


class Me(BaseModel):
    tenant_id: str
    tenant_name: str
    key_id: str
    key_name: str
    scopes: list[Scope]
    session: Session | None = Field(description="Null if the request brought a key.")
    quotas: Quotas
