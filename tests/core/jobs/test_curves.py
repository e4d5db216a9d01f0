"""Training curves come back thinned, evenly, with their last point; a point that comes again replaces itself."""

import itertools

import pytest

from core.database.database import transaction
from core.jobs import curves
from tests.worker import seed


@pytest.fixture
def job_id(database) -> str:
    return seed.job(seed.version(seed.tenant())).id


def record(job_id: str, steps: range, value: float = 0.5) -> None:
    rows = [{"job_id": job_id, "key": "train.loss", "step": step, "epoch": 1, "value": value} for step in steps]
    with transaction() as session:
        curves.record_all(session, rows)


@pytest.mark.parametrize(("points", "wanted"), [(1, 10), (10, 10), (11, 10), (95, 10), (1000, 1), (1000, 1000)])
def test_a_curve_is_thinned_evenly_and_keeps_its_last_point(job_id, points, wanted):
    record(job_id, range(points))
    with transaction() as session:
        steps = [point.step for point in curves.series(session, job_id, "train.loss", max_points=wanted)]
    assert steps[-1] == points - 1
    assert min(points, wanted) / 2 <= len(steps) <= wanted
    assert len({later - earlier for earlier, later in itertools.pairwise(steps)}) <= 1


def test_a_step_that_comes_again_replaces_its_point(job_id):
    record(job_id, range(5), value=0.5)
    record(job_id, range(3, 8), value=0.25)
    with transaction() as session:
        points = curves.series(session, job_id, "train.loss", max_points=100)
        newest = curves.newest(session, job_id, "train.loss")
    assert [(point.step, point.value) for point in points][2:5] == [(2, 0.5), (3, 0.25), (4, 0.25)]
    assert newest is not None
    assert newest.step == 7
