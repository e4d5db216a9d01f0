"""What became of one image: notes on what was done to it, or why it has to be left out."""

from dataclasses import dataclass

from contract.results.ingested import Severity


@dataclass(frozen=True, slots=True)
class Note:
    """Something done to an image that its owner may want to know."""

    severity: Severity
    code: str
    message: str
    fix: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an image has to be left out, and what its owner can do."""

    code: str
    message: str
    fix: str
    thumbnail: bytes = b""  # a JPEG, where the image itself could be read


class Unusable(Exception):
    """The image has to be left out."""

    def __init__(self, code: str, message: str, fix: str) -> None:
        super().__init__(message)
        self.fault = Fault(code, message, fix)

    def bare(self) -> "Unusable":
        """The same without its trace, which would hold all that was read when it was raised."""
        return Unusable(self.fault.code, self.fault.message, self.fault.fix)
