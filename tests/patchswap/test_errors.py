"""What a person reads when something goes wrong."""

from __future__ import annotations

import pytest

from patchswap import errors


def test_a_spec_error_names_each_field_in_one_line():
    problem = {
        "detail": "The spec cannot be run.\n",
        "code": "spec_invalid",
        "errors": [
            {"pointer": "/training/epochs", "code": "greater_than_equal", "message": "at least 1"},
            {"pointer": "/method/patch_size", "code": "patch_size_not_divisor", "message": "3 does not divide\n 8"},
        ],
    }
    error = errors.from_problem(422, problem)
    assert isinstance(error, errors.Invalid)
    assert str(error) == (
        "The spec cannot be run. /training/epochs: at least 1. /method/patch_size: 3 does not divide 8."
    )
    assert [one.pointer for one in error.errors] == ["/training/epochs", "/method/patch_size"]


def test_faults_that_the_detail_lists_already_are_told_once():
    faults = [{"pointer": "/seed", "message": "at least 0"}, {"pointer": "/name", "message": "too long"}]
    error = errors.from_problem(422, {"detail": "/seed: at least 0; /name: too long", "errors": faults})
    assert str(error) == "/seed: at least 0. /name: too long."


def test_an_internal_error_carries_the_id_to_ask_about():
    error = errors.from_problem(500, {"detail": "Something broke.", "request_id": "abc123"})
    assert isinstance(error, errors.Unavailable)
    assert str(error) == "Something broke. (request abc123)"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 412, 413, 415, 422, 429, 418, 500, 503])
def test_every_status_is_an_api_error_with_its_status(status: int):
    assert errors.from_problem(status, {}).status == status
    assert "\n" not in str(errors.from_problem(status, {"detail": "a\nb"}))


def test_a_failed_job_says_what_to_do():
    error = errors.JobUnsuccessful(
        "job job_1 failed", {"code": "gpu_oom", "message": "memory ran out", "remediation": "Take smaller batches."}
    )
    assert str(error) == "job job_1 failed: memory ran out. Take smaller batches."
    assert error.error["code"] == "gpu_oom"
