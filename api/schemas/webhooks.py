"""Webhooks: where a tenant's own server is told what happens. A secret is told once, when it is made."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from contract.strict import Strict
from core.webhooks.catalogue import EventType
from core.webhooks.formats import Format
from core.webhooks.thresholds import Threshold

Url = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2048, pattern=r"^[\x21-\x7e]+$"),
    Field(
        description="Address of your server: https, with a public address. For e-mail `mailto:` and one address.",
        examples=["https://example.com/patchswap"],
    ),
]
Events = Annotated[
    list[Literal[EventType, "*"]],
    Field(
        max_length=50,
        description='Which events are told; `"*"` is all, also those to come. Empty: thresholds alone are.',
    ),
]
Thresholds = Annotated[
    list[Threshold],
    Field(max_length=20, description="Tell the first value of a job beyond each of these, once a job."),
]
Description = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class NewWebhook(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"url": "https://example.com/patchswap", "events": ["job.succeeded", "job.failed"]},
                {
                    "url": "https://hooks.slack.com/services/T0/B0/x",
                    "format": "slack",
                    "events": [],
                    "thresholds": [{"metric": "val.top1_accuracy", "above": 0.9}],
                },
            ]
        },
    )

    url: Url
    events: Events = Field(["*"])
    format: Format = Field(
        "standard",
        description="`standard`: signed JSON. `slack`: Slack's JSON. `email`: an e-mail. It cannot be changed.",
    )
    thresholds: Thresholds = Field([])
    description: Description | None = None


class WebhookChange(BaseModel):
    """What is left out stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"enabled": False}]})

    url: Url | None = None
    events: Events | None = None
    thresholds: Thresholds | None = None
    description: Description | None = None
    enabled: bool | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        given = self.model_fields_set
        if not given:
            raise ValueError("This changes nothing. Give url, events, thresholds, description or enabled.")
        needed = ("url", "events", "thresholds", "enabled")
        if missing := [name for name in needed if name in given and getattr(self, name) is None]:
            raise ValueError(f"`{missing[0]}` cannot be null. Leave it out, or give a value.")
        return self


class Webhook(BaseModel):
    id: str
    url: str
    description: str | None
    events: list[str]
    format: Format
    thresholds: list[Threshold]
    enabled: bool
    disabled_reason: str | None = Field(description="Why the service disabled it; null if a person did.")
    former_secrets_until: datetime | None = Field(
        description="Until this time messages are also signed with earlier secrets; null if there are none."
    )
    created_at: datetime
    links: dict[str, str]


class WebhookWithSecret(Webhook):
    secret: str | None = Field(
        description="Verifies the signatures, by any library of Standard Webhooks. Null where this is a repetition."
    )


class Rotation(Strict):
    model_config = ConfigDict(json_schema_extra={"examples": [{"overlap_seconds": 86_400}, {}]})

    overlap_seconds: int = Field(
        86_400,
        ge=0,
        le=604_800,
        description="Seconds that messages are also signed with the old secret. Use 0 if it leaked.",
    )


class Delivery(BaseModel):
    id: str = Field(
        description="The `webhook-id` of the message, the same at each attempt: receivers drop repetitions."
    )
    webhook_id: str
    type: str
    data: dict[str, Any]
    status: Literal["queued", "running", "succeeded", "failed"]
    attempts: int
    attempted_at: datetime | None
    answer_status: int | None = Field(description="Of the last attempt; null where there was no answer.")
    answer: str | None = Field(description="How the body of the last answer begins, or why there was none.")
    answer_seconds: float | None
    next_attempt_at: datetime | None = Field(description="Not before; null where none will be made.")
    created_at: datetime
    finished_at: datetime | None
