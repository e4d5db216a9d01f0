from tests.worker import seed
from worker.run import run_job


def test_job(version):
    job = seed.job(version, control=True)
    run_job(job.id)
    row = seed.read(job.id)
    print(row.status, row.progress, row.error)
    assert row.status == "succeeded"
