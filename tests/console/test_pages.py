"""What each page shows, live and at rest."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from core.database.database import transaction
from core.jobs.ledger import Claim
from core.tables import DatasetVersion, Job
from tests.api import made
from tests.api.serving import Caller
from tests.console.conftest import PATIENCE_MS, enter
from tests.console.filled import fill
from tests.worker import seed

SCRIPT = "<script>alert(1)</script>"


def test_comparison_sweep_model_and_administration_show_what_was_measured(
    page: Page, ours: Caller, version: DatasetVersion
):
    filled = fill(ours, version)
    enter(page, ours, filled.pages["comparison"])
    row = page.get_by_role("region", name="Paired with the baseline").get_by_role("row").filter(has_text="patch_swap")
    expect(row).to_contain_text(re.compile(r"3 of 3.*67\.7 %.*\+12\.67"), timeout=PATIENCE_MS)
    seeds = page.get_by_role("img", name=re.compile("by method and seed"))
    expect(seeds.locator("circle")).to_have_count(6)
    expect(page.get_by_role("img", name=re.compile("on validation"))).to_be_visible()
    page.goto(f"/ui/#/{filled.pages['sweep']}")
    expect(page.get_by_role("img", name=re.compile("Settings of 2 trials")).locator("polyline.pruned")).to_have_count(1)
    page.goto(f"/ui/#/{filled.pages['model']}")
    expect(
        page.get_by_text("better than the baseline").or_(page.get_by_text("Files for devices")).first
    ).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("Accuracy against latency"))).to_be_visible()
    page.goto(f"/ui/#/{filled.pages['admin']}")
    expect(page.get_by_role("rowheader", name="https://93.184.216.34/hook")).to_be_visible()
    expect(page.get_by_role("region", name="Audit log")).to_contain_text("POST /v1/comparisons")


def test_a_key_is_made_shown_once_and_revoked(page: Page, ours: Caller):
    enter(page, ours, "admin")
    page.get_by_label("Name of a new key").fill("ci")
    page.get_by_role("button", name="Create the key").click()
    expect(page.get_by_role("status")).to_contain_text("psk_")
    page.get_by_role("button", name="Revoke ci").click()
    page.get_by_role("button", name="Revoke ci").click()
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="ci"))
    expect(row).to_contain_text("revoked")
    found = {key["name"]: key["revoked_at"] for key in ours.get("/v1/api_keys").json()["data"]}
    assert found["ci"] is not None


def test_a_class_and_a_name_of_script_stay_text_on_every_page(page: Page, ours: Caller, version: DatasetVersion):
    with transaction() as session:
        row = session.get_one(DatasetVersion, version.id)
        _, *others = row.manifest["classes"]
        row.manifest = {**row.manifest, "classes": [SCRIPT, *others]}
    filled = fill(ours, version, name=SCRIPT)
    page.on("dialog", lambda _: (_ for _ in ()).throw(AssertionError("a script of a class ran")))
    enter(page, ours, filled.pages["dataset"])
    expect(page.get_by_role("rowheader", name=SCRIPT)).to_be_visible(timeout=PATIENCE_MS)
    for name, path in filled.pages.items():
        page.goto(f"/ui/#/{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=PATIENCE_MS)
        page.wait_for_timeout(300)
        assert page.locator("main script").count() == 0, name
    for name in ("job", "model", "try"):
        page.goto(f"/ui/#/{filled.pages[name]}")
        expect(page.get_by_role("heading", level=1)).to_contain_text(SCRIPT, timeout=PATIENCE_MS)


def test_an_open_page_follows_a_job_by_the_stream_alone(page: Page, ours: Caller, version: DatasetVersion):
    job, claim = made.running_job(version)
    enter(page, ours, "jobs")
    expect(page.get_by_role("row").filter(has_text="running")).to_be_visible(timeout=PATIENCE_MS)
    _advance(page, claim, 0.25)
    page.wait_for_timeout(2000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    _advance(page, claim, 0.5)
    assert asked == []
    page.goto(f"/ui/#/jobs/{job.id}")
    made.events(claim, 3)
    expect(page.get_by_role("list", name="Events").get_by_role("listitem").filter(has_text="notice")).to_have_count(3)


def test_a_refused_clone_says_why_until_another_job_is_opened(page: Page, ours: Caller, version: DatasetVersion):
    ended, other = made.ended_job(version), made.ended_job(version)
    assert ours.delete(f"/v1/datasets/{version.dataset_id}").status_code == 204
    enter(page, ours, f"jobs/{ended.id}")
    page.get_by_role("button", name="Train the same again").click()
    said = f"There is no dataset or version '{version.id}'. `patchswap datasets list` shows what there is."
    expect(page.get_by_role("alert")).to_have_text(said, timeout=PATIENCE_MS)
    expect(page.get_by_role("alert")).to_be_in_viewport()
    page.goto(f"/ui/#/jobs/{other.id}")
    expect(page.get_by_role("button", name=f"copy the id {other.id}")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_many_jobs_scroll_with_few_rows_drawn(page: Page, ours: Caller, version: DatasetVersion):
    first = seed.job(version, name="the oldest")
    _copy(first.id, 10_000)
    enter(page, ours, "jobs")
    rows = page.locator("table tbody tr")
    expect(rows.first).to_be_visible(timeout=PATIENCE_MS)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    area = page.get_by_role("region", name="All jobs")
    for _ in range(12):
        area.evaluate("area => area.scrollTo(0, area.scrollHeight)")
        page.wait_for_timeout(150)
    expect(rows.first).to_be_visible()
    assert asked
    assert page.evaluate("document.querySelectorAll('*').length") < 500


def _advance(page: Page, claim: Claim, fraction: float) -> None:
    made.progress(claim, fraction=fraction, updated_at=f"2026-01-01T00:00:00.{int(1000 * fraction)}Z")
    expect(page.get_by_role("row").filter(has_text=f"{100 * fraction:.1f} %")).to_be_visible(timeout=PATIENCE_MS)


def _copy(job_id: str, count: int) -> None:
    """As many jobs like this one; one statement."""
    names = [column.name for column in Job.__table__.columns]
    chosen = ", ".join("'job_' || md5(n::text || j.id)" if name == "id" else f"j.{name}" for name in names)
    with transaction() as session:
        session.connection().exec_driver_sql(
            f"INSERT INTO jobs ({', '.join(names)}) SELECT {chosen} FROM jobs j, generate_series(1, {count}) n "
            f"WHERE j.id = '{job_id}'"
        )
