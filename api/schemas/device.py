"""What a device says and hears: a claim, its lease, and what was measured under it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, JsonValue, StringConstraints, model_validator

from core.settings import DEVICE_NAME

Name = Annotated[str, StringConstraints(pattern=rf"^{DEVICE_NAME}$")]
Fence = Annotated[int, Field(ge=1, le=2**63 - 1, description="The claim's lease token: every call names it.")]
Milliseconds = Annotated[FiniteFloat, Field(gt=0, le=86_400_000)]
Difference = Annotated[FiniteFloat, Field(ge=0)]
GOLDEN_DIFFERENCE = r"^golden(_[a-z]{1,20})?_(mean|max)_difference$"


class ClaimRequest(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"device": "raspberry-pi-5", "host": "pi.local"}]}
    )

    device: Name
    host: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,253}$")] = Field(
        description="The machine's own name, shown to people."
    )


class Bundle(BaseModel):
    bytes: int
    sha256: str
    format: str
    precision: str


class DeviceClaim(BaseModel):
    """A profile to be measured, yours until the lease ends."""

    profile_id: str
    export_id: str
    fence: Fence
    lease_seconds: float = Field(description="A claim ends when it is not renewed for this long.")
    heartbeat_seconds: float = Field(description="Renew it this often.")
    bundle: Bundle
    links: dict[str, str]


class Held(BaseModel):
    """A claim that is named."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"fence": 1}]})

    fence: Fence


class Release(Held):
    counted: bool = Field(
        True, description="False if the device is switched off: then it does not count as a failed attempt."
    )


class Lease(BaseModel):
    lease_seconds: float


class Measured(BaseModel):
    """Figures of the file where it was run; each is as in the `measured` of an export."""

    model_config = ConfigDict(extra="forbid")

    golden_holds: bool
    golden_differences: Annotated[
        dict[Annotated[str, StringConstraints(pattern=GOLDEN_DIFFERENCE)], Difference], Field(max_length=16)
    ]
    latency_ms_p50: Milliseconds
    latency_ms_p90: Milliseconds
    latency_ms_p99: Milliseconds
    latency_runs: int = Field(ge=1, le=1_000_000)
    threads: int = Field(ge=1, le=4096)
    peak_rss_bytes: int | None = Field(ge=0, le=2**50)
    cpu: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    runtime: Annotated[str, StringConstraints(min_length=1, max_length=200)]

    def flat(self) -> dict[str, bool | float | int | str | None]:
        """As exports and profiles keep their figures."""
        return {**self.model_dump(exclude={"golden_differences"}), **self.golden_differences}


class Failure(BaseModel):
    model_config = ConfigDict(extra="forbid")

    code: Literal["missing_dependency", "runtime_failed", "unknown_format", "damaged_bundle"]
    message: Annotated[str, StringConstraints(min_length=1, max_length=2000)]


_REPORT: dict[str, JsonValue] = {
    "fence": 1,
    "error": {"code": "missing_dependency", "message": "No module named 'onnxruntime'"},
}


class Report(Held):
    """Exactly one of `measured` and `error`."""

    model_config = ConfigDict(json_schema_extra={"examples": [_REPORT]})

    measured: Measured | None = None
    error: Failure | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.measured is None) == (self.error is None):
            raise ValueError("Give either `measured` or `error`.")
        return self


class Settled(BaseModel):
    profile_id: str
    status: Literal["queued", "running", "succeeded", "failed"]
