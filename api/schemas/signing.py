"""How to know a bundle of this service."""

from pydantic import BaseModel, Field


class SigningKey(BaseModel):
    algorithm: str
    key_id: str = Field(description="The first 16 hex digits of the raw key's sha256; stands in signature.json too.")
    public_key: str = Field(description="32 bytes, base64.")
    pem: str
