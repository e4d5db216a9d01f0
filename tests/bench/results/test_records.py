"""The store survives what a kill leaves, and does not let two runners in."""

import pytest

from bench.results.protocol import CONTROL
from bench.results.records import Store, locked
from tests.bench.results.made import done, study


def test_a_torn_line_costs_its_own_run_only(tmp_path):
    first, second, third = (done(run) for run in study().trials(CONTROL, {})[:3])
    store = Store(tmp_path)
    store.append(first)
    store.append(second)
    path = tmp_path / "runs.jsonl"
    path.write_bytes(path.read_bytes()[:-30])
    again = Store(tmp_path)
    assert again.records == {first.key: first}
    again.append(third)
    assert Store(tmp_path).records == {first.key: first, third.key: third}


def test_a_folder_has_one_runner_at_a_time(tmp_path):
    with locked(tmp_path), pytest.raises(BlockingIOError), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass
