"""Long calls into libraries, made in a thread so that the run keeps saying that it is at work, up to a time limit."""

from collections.abc import Callable, Generator
from concurrent.futures import Future, wait
from threading import Thread
from time import monotonic
from typing import TypeVar

from contract.child.messages import Working
from trainer import errors
from trainer.errors import export_failed

SAY_EVERY_SECONDS = 2.0
LIMIT_SECONDS = 900  # a conversion takes 7-23 s, calibration at 224 px a minute; beyond this it hangs

T = TypeVar("T")
Steps = Callable[[], tuple[int, int]]


def working_while(activity: str, call: Callable[[], T], *, steps: Steps | None = None) -> Generator[Working, None, T]:
    """Yield a message every two seconds while `call` runs, return what it returns.

    `steps` says how many of how many units are done; without it seconds of the limit are counted. Raises TrainerError.
    """
    started = monotonic()
    future = _in_thread(call)
    while True:
        elapsed = monotonic() - started
        done, total = steps() if steps else (int(elapsed), LIMIT_SECONDS)
        yield Working(activity=activity, done=done, total=total)
        if wait([future], timeout=SAY_EVERY_SECONDS).done:
            return _result(activity, future)
        if elapsed > LIMIT_SECONDS:
            raise export_failed(activity, f"It took longer than {LIMIT_SECONDS} seconds.")


def _in_thread(call: Callable[[], T]) -> Future[T]:
    """A daemon thread, unlike an executor's, does not keep a process alive whose call never returns."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - it is raised again by whoever asks for the result
            future.set_exception(error)

    Thread(target=run, name="export", daemon=True).start()
    return future


def _result(activity: str, future: Future[T]) -> T:
    try:
        return future.result()
    except Exception as error:
        if errors.named(error):
            raise
        raise export_failed(activity, f"{type(error).__name__}: {error}") from error
