"""What can go wrong, by kind. A class's docstring is the customer's sentence; `api/wire/errors.py` gives statuses."""

from collections.abc import Sequence
from typing import Any, Self

_LONGEST_ECHO = 64  # characters of what was sent


class DomainError(Exception):
    """Something went wrong."""

    def __init__(self, detail: str | None = None, **extra: Any) -> None:
        self.detail = detail or (type(self).__doc__ or "").strip()
        self.extra = extra
        super().__init__(self.detail)

    @property
    def code(self) -> str:
        """snake_case of the class's name: the machine-readable name of the error."""
        name = type(self).__name__
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


class NotFound(DomainError):
    """There is nothing by this id. Check the id and the key you use."""

    @classmethod
    def by(cls, sent: str) -> Self:
        """The same for an id of somebody else as for one that never was."""
        return cls(f"There is nothing by the id {sent[:_LONGEST_ECHO]}. Check the id and the key you use.")


class Conflict(DomainError):
    """The resource is not in a state that allows this."""


class Invalid(DomainError):
    """Some values of the request are not acceptable."""

    def __init__(self, detail: str | None = None, *, pointer: str = "", **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.pointer = pointer


class Unauthorized(DomainError):
    """Send a valid key as `Authorization: Bearer <key>`."""


class Forbidden(DomainError):
    """This key lacks the scope that the call needs. Use another key."""


class TenantSuspended(Forbidden):
    """This tenant is suspended. Ask the service's operator."""


class Unavailable(DomainError):
    """A part of the service does not answer. Try again in a few seconds."""


class Gone(DomainError):
    """This no longer exists."""


class UploadExpired(Gone):
    """The upload has expired. Create a new one; its parts were deleted."""


class PackDamaged(Gone):
    """The stored images of this version cannot be read. Push the same files under another name."""


class TooLarge(DomainError):
    """The body is too large. Send a smaller one."""


class TooMany(DomainError):
    """This tenant has reached a limit. Wait, or have the limit raised."""

    def __init__(self, detail: str, *, retry_seconds: int, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.retry_seconds = retry_seconds


class RateLimited(TooMany):
    """This tenant sends too many requests per minute. Wait for the seconds in `Retry-After`."""


class QuotaExceeded(TooMany):
    """A quota of this tenant is used up. Delete or cancel something, or have the quota raised."""


class PreconditionFailed(DomainError):
    """The resource changed since you read it. Read it again and repeat."""


class InvalidTransition(Conflict):
    """The status does not allow this."""

    def __init__(self, verb: str, status: str, allowed: Sequence[str], *, what: str = "job") -> None:
        sentence = f"Cannot {verb} a {what} that is {status}. Possible now: {', '.join(allowed) or 'nothing'}."
        super().__init__(sentence, allowed=list(allowed))


class IdempotencyKeyReuse(Invalid):
    """This Idempotency-Key was used with another body. Use a new key for a new request."""


class IdempotencyInFlight(Conflict):
    """A request with this Idempotency-Key is being served. Repeat it in a second."""


class UploadIncomplete(Conflict):
    """Parts are missing or have the wrong size. GET the upload to see which arrived."""


class ChecksumMismatch(Invalid):
    """The bytes that arrived do not have the sha256 that you sent. Upload the file again."""


class DatasetNotReady(Conflict):
    """The dataset is not ready. Wait until its status is ready, or read its validation report."""


class DatasetFailed(Conflict):
    """No dataset could be made of the archive. Read its validation report, correct the archive, and push it again."""


class DatasetDeleted(Conflict):
    """The dataset version that this needs was deleted. Push it again, and submit the job anew."""


class TeacherGone(Conflict):
    """A model that this job needs was deleted. Submit it anew with another teacher or `model.pretrained`."""


class InUse(Conflict):
    """Something that runs uses it. Cancel that, or wait until it ends."""


class StoreUnavailable(Unavailable):
    """The object store does not answer. Try again in a few seconds."""


class Fenced(Exception):
    """The claim was lost: another worker holds the row, or it was ended. Stop without writing anything."""
