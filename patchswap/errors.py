"""What the client raises: one line that says what happened and what to do. Printing them is the command line's part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class PatchswapError(Exception):
    """Whatever the client raises on purpose; its text is one line with the remedy."""


class BadInput(PatchswapError, ValueError):
    """What was given cannot be sent: a missing file, an empty folder, a malformed option."""


class NoCredentials(PatchswapError):
    """There is no url or no key to use."""


class MissingExtra(PatchswapError):
    """A command needs more than the client, and it is not installed here."""


class ServiceUnreachable(PatchswapError):
    """No answer came, in spite of retries. Jobs that run go on without the client."""


class WaitTimeout(PatchswapError, TimeoutError):
    """The time given to a wait is over; what was waited for goes on."""


class DamagedFile(PatchswapError):
    """The bytes that were received are not those that were announced, or are not safe to unpack."""


class NotGenuine(PatchswapError):
    """A message to a webhook that this service did not send, or long ago."""


class Unsuccessful(PatchswapError):
    """A job, a dataset, a sweep or an export ended badly; `error` is what the service says about it."""

    def __init__(self, what: str, error: Mapping[str, Any] | None) -> None:
        self.error: dict[str, Any] = dict(error or {})
        told = sentences(self.error.get("message"), self.error.get("remediation"))
        super().__init__(_one_line(": ".join(filter(None, [what, told]))))


class JobUnsuccessful(Unsuccessful):
    """The job failed or was cancelled."""


class DatasetUnsuccessful(Unsuccessful):
    """Ingest refused the archive; the validation report names every file."""


class SweepUnsuccessful(Unsuccessful):
    """The sweep failed or was cancelled."""


class WeightsUnsuccessful(Unsuccessful):
    """The file could not be read, or is of another network."""


class ExportUnsuccessful(Unsuccessful):
    """No file came of the export."""


class ProfileUnsuccessful(Unsuccessful):
    """The file could not be measured there."""


class PredictionUnsuccessful(Unsuccessful):
    """The images of a dataset could not be predicted."""


@dataclass(frozen=True)
class FieldError:
    """One fault in a request body."""

    pointer: str  # JSON pointer into what was sent
    code: str
    message: str


class ApiError(PatchswapError):
    """The service answered with an error (RFC 9457)."""

    def __init__(self, status: int, problem: Mapping[str, Any], *, retry_after: float | None = None) -> None:
        self.status = status
        self.code = str(problem.get("code") or "error")
        self.title = str(problem.get("title") or "")
        self.detail = str(problem.get("detail") or self.title or f"the service answered with status {status}")
        self.request_id: str | None = problem.get("request_id")
        self.retryable = bool(problem.get("retryable", False))
        self.errors = tuple(_field_error(e) for e in problem.get("errors") or () if isinstance(e, Mapping))
        self.problem = dict(problem)
        self.retry_after = retry_after  # seconds
        super().__init__(_one_line(self._sentence()))

    def _sentence(self) -> str:
        faults = [f"{e.pointer}: {e.message}" if e.pointer else e.message for e in self.errors]
        is_repeated = self.detail == "; ".join(faults) or any(e.message == self.detail for e in self.errors)
        parts = faults if is_repeated else [self.detail, *faults]
        sentence = sentences(*parts)
        if self.status >= 500 and self.request_id:
            sentence += f" (request {self.request_id})"
        return sentence


class BadRequest(ApiError):
    """400, 413, 415: the request is malformed, too large or of a wrong type."""


class Unauthorized(ApiError):
    """401: the key is unknown, revoked or expired."""

    def _sentence(self) -> str:
        return "the service does not accept this key; run `patchswap login` with a valid one, or set PATCHSWAP_API_KEY"


class Forbidden(ApiError):
    """403: the key lacks a scope."""


class NotFound(ApiError):
    """404: nothing by this id, for this key."""


class Conflict(ApiError):
    """409: the state does not allow it."""


class Gone(ApiError):
    """410: it was here and is no longer."""


class PreconditionFailed(ApiError):
    """412: it changed meanwhile."""


class Invalid(ApiError):
    """422: well formed but not meant; `errors` has the pointers."""


class RateLimited(ApiError):
    """429: too many requests, in spite of waiting; or a quota is used up, and `code` is quota_exceeded."""


class Unavailable(ApiError):
    """500 and above, in spite of retries."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    412: PreconditionFailed,
    413: BadRequest,
    415: BadRequest,
    422: Invalid,
    429: RateLimited,
}


def from_problem(status: int, problem: Mapping[str, Any], *, retry_after: float | None = None) -> ApiError:
    kind = _BY_STATUS.get(status, Unavailable if status >= 500 else ApiError)
    return kind(status, problem, retry_after=retry_after)


def _field_error(error: Mapping[str, Any]) -> FieldError:
    return FieldError(*(str(error.get(key) or "") for key in ("pointer", "code", "message")))


def sentences(*parts: str | None) -> str:
    """What happened and what to do, as one text; what is not known is left out."""
    return " ".join(_sentence(part.strip()) for part in parts if part and part.strip())


def _sentence(text: str) -> str:
    """With a full stop, which an older service may have left out."""
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _one_line(text: str) -> str:
    return " ".join(text.split())
