"""The form that starts a training: what the default fills in, what a person changes, and what is then sent."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from core.database.database import transaction
from core.tables import Dataset, DatasetVersion
from tests.api.serving import Caller, Server, caller
from tests.console.conftest import PATIENCE_MS, enter
from tests.worker import seed

ROOT = Path(__file__).parents[2]
# What a shell or a reader of JSON could take for something else.
MUCH = {
    "name": 'it\'s $HOME \\ "x"',
    "training": {"epochs": 2, "image_size": [16, 8], "ema_decay": None, "early_stopping": {"patience_epochs": 3}},
    "evaluation": {"robustness": []},
    "exports": [{"precision": "int8", "constraints": {"max_drop_points": 1.5}}, {"ladder": {"rungs": ["fp16"]}}],
    "labels": {"a.b": "1", "c": "two words"},
    "control": False,
    "seed": 7,
    "priority": -3,
}
BOXES = seed.MANIFEST.model_copy(
    update={"task": "detection", "channels": 3, "mean": [0.5] * 3, "std": [0.25] * 3, "median_size": (96, 96)}
    | {"image_size": (96, 96)}
)


def test_the_default_is_filled_in_and_explained(page: Page, ours: Caller, version: DatasetVersion):
    opened(page, ours, version)
    expect(page.get_by_label("Epochs", exact=True)).to_have_value("100", timeout=PATIENCE_MS)
    expect(page.get_by_label("Architecture")).to_have_value("")
    assert chosen(page, "Architecture") == "resnet20 (default)"
    expect(page.get_by_role("region", name="Why these defaults")).to_contain_text("Images of 8 px are too small")
    expect(row(page, "Epochs")).to_contain_text(
        re.compile("chosen for this dataset.*Why: 40 training images", re.DOTALL)
    )
    expect(page.get_by_role("region", name="Estimate")).to_contain_text(
        re.compile(r"about .* of memory.*Basis:", re.DOTALL)
    )
    assert described_by(page.get_by_label("Image size (px)", exact=True)).startswith("Pixels, one number or [height,")


def opened(page: Page, ours: Caller, version: DatasetVersion) -> None:
    enter(page, ours, f"jobs/new?dataset={version.dataset_id}")
    expect(page.get_by_role("region", name="Estimate")).to_be_visible(timeout=PATIENCE_MS)


def row(page: Page, label: str) -> Locator:
    return page.locator(".field").filter(has=page.get_by_label(label, exact=True))


def chosen(page: Page, label: str) -> str:
    return str(page.get_by_label(label).evaluate("select => select.selectedOptions[0].textContent"))


def described_by(control: Locator) -> str:
    first = str(control.get_attribute("aria-describedby")).split(" ")[0]
    return control.page.locator(f'[id="{first}"]').inner_text()


def test_a_change_is_seen_everywhere_and_sent_alone(page: Page, ours: Caller, version: DatasetVersion):
    with transaction() as session:
        session.get_one(Dataset, version.dataset_id).name = "bob's clothes"
    opened(page, ours, version)
    page.get_by_label("Epochs", exact=True).fill("3")
    page.get_by_label("Control").select_option(label="yes")
    page.get_by_text("As JSON", exact=True).click()
    expect(page.get_by_label("Fields to change, as JSON")).to_have_value(re.compile(r'"epochs": 3'))
    line = words(page, "patchswap train")
    assert line == ["patchswap", "train", "--dataset", "bob's clothes", "--set", "training.epochs=3", "--control"]
    sent = {"dataset": version.dataset_id, "training": {"epochs": 3}, "control": True}
    assert json.loads(words(page, "curl").pop(-2)) == sent
    expect(row(page, "Epochs")).to_contain_text("changed")
    expect(page.get_by_text("What will run")).to_be_visible()
    assert submitted(page) == sent


def test_json_changes_the_form_and_a_reset_changes_it_back(page: Page, ours: Caller, version: DatasetVersion):
    opened(page, ours, version)
    page.get_by_text("As JSON", exact=True).click()
    box = page.get_by_label("Fields to change, as JSON")
    box.fill('{"name": "tuned", "optimizer": {"weight_decay": 0.01}, "training": {"early_stopping": {}}}')
    expect(page.get_by_label("Name, if you like")).to_have_value("tuned")
    page.get_by_text("Optimizer (1 changed)").click()
    expect(page.get_by_label("Weight decay", exact=True)).to_have_value("0.01")
    page.get_by_role("button", name="Reset Weight decay").click()
    expect(page.get_by_label("Weight decay", exact=True)).to_have_value("0.0005")
    expect(box).not_to_have_value(re.compile("weight_decay"))
    page.get_by_text("Training (1 changed)").click()
    page.get_by_label("Patience").fill("5")
    page.get_by_role("button", name="Reset Patience").click()
    expect(page.get_by_label("Early stopping, on or off", exact=True)).to_have_value("on")
    box.fill("{")
    expect(page.get_by_text("This is not JSON:")).to_be_visible()


def test_a_refused_value_is_told_at_its_field_in_a_group_that_opens(page: Page, ours: Caller, version: DatasetVersion):
    opened(page, ours, version)
    page.get_by_text("As JSON", exact=True).click()
    page.get_by_label("Fields to change, as JSON").fill('{"optimizer": {"momentum": 7}, "training": {"epochs": 2}}')
    momentum = page.get_by_label("Momentum", exact=True)
    expect(momentum).to_have_attribute("aria-invalid", "true", timeout=PATIENCE_MS)
    expect(row(page, "Momentum")).to_contain_text("Must be less than 1")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_disabled()
    page.get_by_role("button", name="optimizer.momentum").click()
    expect(momentum).to_be_focused()
    momentum.fill("0.5")
    expect(momentum).not_to_have_attribute("aria-invalid", "true", timeout=PATIENCE_MS)
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled()


def test_a_methods_fields_follow_its_name(page: Page, ours: Caller, version: DatasetVersion):
    opened(page, ours, version)
    page.get_by_label("Method", exact=True).last.select_option("kd")
    teacher = page.get_by_label("Teacher", exact=True)
    expect(teacher).to_have_attribute("aria-invalid", "true", timeout=PATIENCE_MS)
    page.get_by_label("Method", exact=True).last.select_option("patch_swap")
    expect(teacher).to_have_count(0)
    page.get_by_label("Patch size (px)", exact=True).fill("4")
    expect(page.get_by_role("status").filter(has_text="need")).to_have_count(0, timeout=PATIENCE_MS)
    assert submitted(page) == {"dataset": version.dataset_id, "method": {"name": "patch_swap", "patch_size": 4}}


def test_files_are_added_changed_and_removed(page: Page, ours: Caller, version: DatasetVersion):
    opened(page, ours, version)
    files = page.get_by_role("group", name=re.compile("^File "))
    expect(files).to_have_count(2)
    page.get_by_role("button", name="Remove file 1").click()
    page.get_by_role("button", name="Add a file").click()
    files.nth(0).get_by_label("Allowed drop").fill("1.5")
    files.nth(1).get_by_label("Format").select_option("openvino")
    files.nth(1).get_by_label("Precision").select_option("fp32")
    line = words(page, "patchswap train")
    assert line[-4:] == ["--export", "int8,onnx,max_drop=1.5", "--export", "fp32,openvino"]
    page.get_by_role("button", name="Reset Files to export").click()
    expect(files.nth(0).get_by_label("Precision")).to_have_value("fp32")
    assert words(page, "patchswap train")[4:] == []


def test_boxes_have_their_own_networks_methods_formats_and_fields(page: Page, ours: Caller):
    version = seed.version(ours.tenant_id, BOXES)
    with transaction() as session:
        session.get_one(Dataset, version.dataset_id).task = "detection"
    opened(page, ours, version)
    expect(page.get_by_role("region", name="Why these defaults")).to_contain_text("The dataset has boxes")
    assert chosen(page, "Architecture").startswith("fcos_")
    names = page.get_by_label("Architecture").locator("option").all_inner_texts()
    assert "ssdlite320_mobilenet_v3_large" in names
    assert not {"resnet18", "deeplabv3_resnet50"} & set(names)
    methods = page.get_by_label("Method", exact=True).last.locator("option").all_inner_texts()
    assert "copy_paste" in methods
    assert "kd" not in methods
    assert page.get_by_label("Format").first.locator("option").all_inner_texts() == ["onnx"]
    expect(page.get_by_label("Scale jitter", exact=True)).to_have_count(1)
    expect(page.get_by_label("Trivial augment", exact=True)).to_have_count(0)
    page.get_by_text("As JSON", exact=True).click()
    page.get_by_label("Fields to change, as JSON").fill('{"training": {"augmentation": {"trivial_augment": true}}}')
    of_images = row(page, "Trivial augment")
    expect(of_images).to_contain_text("This is for classification.", timeout=PATIENCE_MS)
    of_images.get_by_role("button", name=re.compile("default|reset", re.IGNORECASE)).click()
    expect(page.get_by_label("Trivial augment", exact=True)).to_have_count(0)


def test_a_key_that_may_only_read_is_told_why_it_cannot_start(page: Page, server: Server, version: DatasetVersion):
    reader = caller(server.url, "ours", ("read",))
    enter(page, reader, f"jobs/new?dataset={version.dataset_id}")
    page.get_by_label("Recipe").select_option("resnet20_short", timeout=PATIENCE_MS)
    expect(page.get_by_label("Epochs", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    start = page.get_by_role("button", name="Start", exact=True)
    expect(start).to_be_disabled()
    assert "lacks the scope write" in described_by(start)
    assert words(page, "patchswap train")[-2:] == ["--recipe", "resnet20_short"]


def test_both_lines_start_what_the_form_would(page: Page, ours: Caller, version: DatasetVersion, tmp_path: Path):
    with transaction() as session:
        session.get_one(Dataset, version.dataset_id).name = "bob's $(clothes)"
    opened(page, ours, version)
    page.get_by_text("As JSON", exact=True).click()
    page.get_by_label("Fields to change, as JSON").fill(json.dumps(MUCH))
    sent = submitted_lines(page)
    for line in sent:
        done = subprocess.run(
            ["bash", "-c", f'patchswap() {{ {sys.executable} -m patchswap "$@"; }}; {line}'],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=os.environ
            | {"PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
            | {"PATCHSWAP_API_KEY": ours.key, "PATCHSWAP_URL": str(ours.http.base_url).rstrip("/")},
        )
        assert done.returncode == 0, done.stderr
    by_form, *by_lines = (job["spec"] for job in ours.get("/v1/jobs?view=full&order=asc").json()["data"])
    assert len(by_lines) == 2
    assert all(spec == by_form for spec in by_lines)


def submitted_lines(page: Page) -> list[str]:
    """The lines, before the form itself is sent."""
    lines = [page.locator("pre").filter(has_text=re.compile(f"^{one}")).inner_text() for one in ("patchswap", "curl")]
    submitted(page)
    return lines


def test_a_dataset_older_than_the_first_page_is_found(page: Page, ours: Caller, version: DatasetVersion):
    copy(version.dataset_id, 250)
    opened(page, ours, version)
    assert chosen(page, "Dataset").startswith("d-")
    page.get_by_label("Search by name").fill("copy-2")
    expect(page.get_by_text("older ones are not listed yet")).to_be_visible()
    page.get_by_role("button", name="older ones, too").click()
    expect(page.get_by_role("button", name="older ones, too")).to_have_count(0)
    copies = page.get_by_label("Dataset", exact=True).locator("option").filter(has_text="copy-2")
    expect(copies).to_have_count(1 + 10 + 51)


def copy(dataset_id: str, count: int) -> None:
    """As many datasets like this one, which are newer; one statement."""
    names = [column.name for column in Dataset.__table__.columns]
    own = {"id": "'ds_f' || substr(md5(n::text), 2)", "name": "'copy-' || n"}
    values = ", ".join(own.get(name, f"d.{name}") for name in names)
    with transaction() as session:
        session.connection().exec_driver_sql(
            f"INSERT INTO datasets ({', '.join(names)}) SELECT {values} FROM datasets d, generate_series(1, {count}) n "
            f"WHERE d.id = '{dataset_id}'"
        )


def submitted(page: Page) -> Any:
    """What the button sends."""
    with page.expect_request(re.compile(r"/v1/jobs$")) as sending:
        page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("list", name="Events")).to_be_visible(timeout=PATIENCE_MS)
    return sending.value.post_data_json


def words(page: Page, begin: str) -> list[str]:
    """The line for a shell, as a shell reads it."""
    found = page.locator("pre").filter(has_text=re.compile(f"^{begin}")).inner_text()
    return shlex.split(found.replace("\\\n", " "))
