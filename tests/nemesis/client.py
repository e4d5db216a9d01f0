"""A customer whose every request is in the history, and who never mistakes a timeout for an answer."""

from __future__ import annotations

import time
from typing import Any

import httpx

from tests.nemesis.history import History

RETRY_SECONDS = 0.5
PATIENCE_SECONDS = 240.0


class Customer:
    """Repeats what had no answer, with the same Idempotency-Key, until it is known what became of it (I11)."""

    def __init__(self, url: str, key: str, history: History, *, timeout_seconds: float = 20) -> None:
        self._history = history
        self._http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=timeout_seconds, trust_env=False
        )

    def submit(self, body: dict[str, Any], *, key: str) -> str:
        """The job's id, once it is known."""
        answer = self.insist("submit", "POST", "/v1/jobs", body=body, key=key)
        answer.raise_for_status()
        return str(answer.json()["id"])

    def ask(self, verb: str, job_id: str, *, key: str) -> httpx.Response:
        """cancel, pause, resume or retry; 409 is an answer too."""
        return self.insist(verb, "POST", f"/v1/jobs/{job_id}/{verb}", key=key, job=job_id)

    def poll(self, job_id: str) -> dict[str, Any] | None:
        """None where there was no answer."""
        answer = self.once("poll", "GET", f"/v1/jobs/{job_id}", job=job_id)
        return answer.json() if answer is not None and answer.status_code == 200 else None

    def insist(self, op: str, method: str, path: str, *, body: Any = None, key: str, **told: Any) -> httpx.Response:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            answer = self.once(op, method, path, body=body, key=key, **told)
            if answer is not None and answer.status_code < 500 and not _in_flight(answer):
                return answer
            time.sleep(RETRY_SECONDS)
        raise TimeoutError(f"{method} {path} had no answer for {PATIENCE_SECONDS:g} s")

    def once(
        self, op: str, method: str, path: str, *, body: Any = None, key: str | None = None, **told: Any
    ) -> httpx.Response | None:
        """One request. No answer, or half of one, is `unknown`; an answer without the work done is `refused`."""
        start = time.time()
        headers = {"Idempotency-Key": key} if key else {}
        try:
            answer = self._http.request(method, path, json=body, headers=headers)
        except httpx.HTTPError as error:
            self._history.add(op, start=start, key=key, outcome="unknown", error=type(error).__name__, **told)
            return None
        outcome = "ok" if answer.is_success else "refused"
        self._history.add(op, start=start, key=key, outcome=outcome, status=answer.status_code, **_seen(answer), **told)
        return answer

    def close(self) -> None:
        self._http.close()


def _in_flight(answer: httpx.Response) -> bool:
    return answer.status_code == 409 and answer.json().get("code") == "idempotency_in_flight"


def _seen(answer: httpx.Response) -> dict[str, Any]:
    """Of an answer that is a job: what the oracle compares."""
    if not answer.is_success or not answer.content or "json" not in answer.headers.get("content-type", ""):
        return {}
    page = answer.json()
    if not str(page.get("id", "")).startswith("job_"):
        return {}
    return {
        "seen": page["id"],
        "job_status": page["status"],
        "attempt": len(page["attempts"]),
        "step": page["progress"]["step"],
        "seq": page["latest_event_seq"],
        "model": page["model_id"],
    }
