"""What an exported file says of an image."""

from pydantic import BaseModel, Field


class Guess(BaseModel):
    label: str
    probability: float


class PredictionLatency(BaseModel):
    """Milliseconds of this one image, on whatever the service runs on and beside whatever else runs there."""

    decode: float = Field(description="From the file to pixels, in a process of its own, its start included.")
    model: float = Field(description="The exported file alone.")
    total: float = Field(description="Of the service, from the whole body to the answer.")


class Prediction(BaseModel):
    model_id: str
    export_id: str
    format: str
    precision: str
    task: str
    label: str
    probability: float
    top: list[Guess] = Field(description="The most probable labels, best first; as infer.py of the bundle says.")
    latency_ms: PredictionLatency
