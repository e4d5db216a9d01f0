"""An uploaded file, put together for a child process."""

import hashlib
from pathlib import Path

from core.datasets import uploads
from core.errors import ChecksumMismatch
from core.tables import Upload


def fetch(upload: Upload, path: Path) -> None:
    """The parts as one file. Raises ChecksumMismatch where they are no longer what was uploaded."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for chunk in uploads.content(upload):
            digest.update(chunk)
            file.write(chunk)
    if digest.hexdigest() != upload.sha256:
        raise ChecksumMismatch("The stored upload is not what was uploaded; its sha256 differs.")
