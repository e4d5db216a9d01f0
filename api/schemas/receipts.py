"""The receipt of a job, as it was signed."""

from pydantic import BaseModel, Field


class Signature(BaseModel):
    keyid: str = Field(description="As `key_id` of the signing key.")
    sig: str = Field(description="Ed25519, base64, of DSSE's pre-authentication encoding.")


class Receipt(BaseModel):
    payloadType: str = Field(examples=["application/vnd.patchswap.receipt+json"])  # noqa: N815 - DSSE's name
    payload: str = Field(description="The receipt: JSON in base64.")
    signatures: list[Signature] = Field(description="Empty where the service signs nothing.")
