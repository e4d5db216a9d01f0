"""Which request the work at hand follows from: an id that joins the api's log, a job's events and a worker's log."""

from contextvars import ContextVar

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def current() -> str | None:
    """None for what nobody asked for just now: the sweeper's work, a worker's."""
    return request_id.get()
