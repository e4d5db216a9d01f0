"""`python -m ingest ARCHIVE OUT [--task TASK] [--splits JSON] [--reading JSON] [--limits JSON]`.

Messages of `contract.child` on stdout. Exit 0: a pack was written. 3: the archive is invalid and OUT/report.json says
why. 1: it could not be done here (disk full and the like), after a `failed` message. Anything else is a crash, most
likely of a decoder on a hostile file.
"""

import argparse
import errno
import json
import signal
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import get_args

from pydantic import BaseModel, ValidationError

from contract.child.confinement import confine
from contract.child.messages import EXIT_DONE, EXIT_FAILED, Done, Failed, JobError, Message, Working
from contract.files import INGEST_REPORT, PACK_MANIFEST, PACK_SAMPLES
from contract.specs import violations_of
from contract.tasks import TaskName
from ingest import Limits, ReadingSpec, SplitRequest, ingest
from ingest.findings import Refused

_EXIT_HERE = 1
_EVERY_SECONDS = 0.5


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m ingest")
    parser.add_argument("archive", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--task", choices=get_args(TaskName), default="classification")
    parser.add_argument("--splits", type=_stated(SplitRequest, "splits"), metavar="JSON")
    parser.add_argument("--reading", type=_stated(ReadingSpec, "reading"), metavar="JSON", default=ReadingSpec())
    parser.add_argument("--limits", type=Limits.model_validate_json, metavar="JSON", default=Limits())
    asked = parser.parse_args(arguments)
    _confine(asked.limits)
    warnings.simplefilter("ignore")  # Pillow's, which quote the file: a hostile archive could fill the log
    try:
        result = ingest(
            asked.archive,
            asked.out,
            task=asked.task,
            splits=asked.splits,
            progress=_Ticker(),
            limits=asked.limits,
            reading=asked.reading,
        )
    except OSError as error:
        _say(Failed(error=_as_job_error(error)))
        return _EXIT_HERE
    names = [INGEST_REPORT] if result.manifest is None else [INGEST_REPORT, PACK_MANIFEST, PACK_SAMPLES]
    _say(Done(files={name: name for name in names}))
    return EXIT_FAILED if result.manifest is None else EXIT_DONE


def _stated(model: type[BaseModel], name: str) -> Callable[[str], BaseModel]:
    """An option's parser, whose refusal names each fault by the pointer and in the words of the api."""

    def parse(text: str) -> BaseModel:
        try:
            return model.model_validate_json(text)
        except ValidationError as error:
            found = violations_of(error, json.loads(text))
            faults = "; ".join(f"/{name}{each.pointer}: {each.message}" for each in found)
            raise argparse.ArgumentTypeError(faults) from error

    return parse


class _Ticker:
    """Says how far it is, twice a second at most."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now >= self._next or done == total:
            self._next = now + _EVERY_SECONDS
            _say(Working(activity="ingest", done=done, total=total))


def _say(message: Message) -> None:
    sys.stdout.write(message.model_dump_json() + "\n")
    sys.stdout.flush()


def _confine(limits: Limits) -> None:
    signal.signal(signal.SIGXCPU, _out_of_time)
    confine(
        memory_bytes=limits.memory_bytes,
        cpu_seconds=limits.cpu_seconds,
        file_bytes=limits.file_bytes,
        open_files=limits.open_files,
        cpu_slack_seconds=30,  # to write the report in
    )


def _out_of_time(_signal: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)  # it comes again every second
    raise Refused(
        "too_slow", "Reading it takes more time than is allowed.", "Split the dataset or scale the images down."
    )


def _as_job_error(error: OSError) -> JobError:
    full = error.errno in {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}
    return JobError(
        code="disk_full" if full else "worker_lost",
        category="resource" if full else "platform",
        retryable=True,
        message=f"The dataset could not be written: {error.strerror or error}.",
        remediation="Free space on the worker, or upload a smaller dataset." if full else "Try again.",
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
