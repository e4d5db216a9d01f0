"""Lines on their way to the ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.jobs.logs import LONGEST_LINE
from tests.conftest import forget_settings
from worker.claims.job_log import WAITING_LINES, JobLog

FOLDER = Path("/scratch/job-1")


@pytest.fixture
def log(strict: None, monkeypatch: pytest.MonkeyPatch) -> JobLog:
    monkeypatch.setenv("PATCHSWAP_DATABASE_URL", "postgresql+psycopg://us:hidden-word@127.0.0.1:1/none")
    monkeypatch.setenv("PATCHSWAP_S3_SECRET_ACCESS_KEY", "the-secret-of-the-bucket")
    forget_settings()
    return JobLog(FOLDER)


def texts(log: JobLog) -> list[str]:
    return [line.text for line in log.waiting()]


def test_lines_come_whole_however_they_arrive(log: JobLog):
    for chunk in (b"one\ntw", b"o\n\nthr", b"ee"):
        log.feed(chunk)
    assert texts(log) == ["one", "two"]
    log.end_line()
    assert texts(log) == ["one", "two", "three"]


def test_what_is_not_written_yet_stays(log: JobLog):
    log.feed(b"one\n")
    written = log.waiting()
    log.feed(b"two\n")
    log.written(len(written))
    assert texts(log) == ["two"]


def test_progress_bar_is_its_last_state(log: JobLog):
    log.feed(b"\r 10%\r 50%\r100%\r\n")
    assert texts(log) == ["100%"]


def test_line_without_an_end_and_a_flood_are_bounded(log: JobLog):
    for _ in range(50):
        log.feed(b"x" * 10_000)
    log.end_line()
    assert [len(text) for text in texts(log)] == [LONGEST_LINE]
    log.feed(b"again\n" * 2 * WAITING_LINES)
    found = texts(log)
    assert len(found) == WAITING_LINES + 1
    assert found[-1] == f"{WAITING_LINES + 1} lines are left out: the trainer says more than is kept"


@pytest.mark.parametrize(
    "line",
    [
        "key psk_0123456789abcdef was sent",
        "GET https://user:hidden-word@example.com/file",
        "Authorization: Bearer abcdef0123456789",
        "https://bucket/key?X-Amz-Signature=0123456789abcdef0123456789abcdef",
        "password hidden-word",
        "boto3.client(secret=the-secret-of-the-bucket)",
    ],
)
def test_secrets_are_hidden(log: JobLog, line: str):
    log.feed(line.encode() + b"\n")
    (shown,) = texts(log)
    assert "***" in shown
    for secret in ("psk_0123456789abcdef", "hidden-word", "abcdef0123456789", "the-secret-of-the-bucket"):
        assert secret not in shown


def test_folder_and_control_codes_are_not_told(log: JobLog):
    log.feed(f"cannot open {FOLDER}/out/a\x1b[31m\n".encode())
    assert texts(log) == ["cannot open ./out/a?[31m"]
