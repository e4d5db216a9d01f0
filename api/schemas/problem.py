"""The body of every answer of 400 and above (RFC 9457)."""

from pydantic import BaseModel, ConfigDict, Field


class Violation(BaseModel):
    pointer: str = Field(description="JSON pointer into the body; `#query/limit` and the like for other places.")
    code: str
    message: str


class ProblemDetails(BaseModel):
    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str = Field(description="The machine-readable name of the problem.")
    request_id: str
    retryable: bool = Field(description="Whether the same request may succeed later: where `Retry-After` is sent.")
    errors: list[Violation]
