"""How much one archive may ask of us. Checked against bytes that were really read, never against what headers say."""

from pydantic import BaseModel, ConfigDict, Field

from contract.image_files import MAX_FILE_BYTES, MAX_PIXELS

MIB = 1 << 20
GIB = 1 << 30


class Limits(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    entries: int = Field(500_000, ge=1)  # a zip's table of contents costs about 650 bytes of memory an entry
    classes: int = Field(10_000, ge=2)
    unpacked_bytes: int = Field(64 * GIB, ge=1)
    entry_bytes: int = Field(MAX_FILE_BYTES, ge=1)  # one image file
    table_bytes: int = Field(48 * MIB, ge=1)  # one file; of a text that is no CSV held twice, as bytes and as text
    annotations_bytes: int = Field(256 * MIB, ge=1)  # one COCO file; parsed it takes six times that
    annotation_bytes: int = Field(4 * MIB, ge=1)  # one image's XML or text, one list of names
    boxes: int = Field(10_000, ge=1)  # or regions, in one image
    # Deflate reaches 1,027 on zeros. Real images stay far below; flat BMPs do not, hence the floors.
    entry_ratio: float = Field(100, gt=1)
    entry_ratio_floor_bytes: int = Field(16 * MIB, ge=0)
    total_ratio: float = Field(20, gt=1)
    total_ratio_floor_bytes: int = Field(256 * MIB, ge=0)
    pixels: int = Field(MAX_PIXELS, ge=64)
    min_side_px: int = Field(8, ge=1)
    bad_share: float = Field(0.05, ge=0, le=1)  # of images that cannot be used; above it nothing is stored

    # Of the child process (`python -m ingest`) only.
    memory_bytes: int = Field(6 * GIB, ge=GIB)  # address space: pyarrow reserves far more than it touches
    cpu_seconds: int = Field(3_600, ge=1)
    file_bytes: int = Field(64 * GIB, ge=MIB)
    open_files: int = Field(256, ge=32)
