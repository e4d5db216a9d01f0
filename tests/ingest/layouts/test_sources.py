"""Layouts are found, not asked for, and the same images make the same pack whatever they came in."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contract.pack.manifest import Split
from ingest import ingest
from tests.ingest.archives import folders, npz, parquet, pixels, png, tarred, zipped
from tests.ingest.packs import check_pack, read_pack, run_ingest

FEW = {"cat": 5, "dog": 5}


def splits_of(folder: Path) -> dict[str, dict[str, int]]:
    """Split -> class -> images, as the pack's rows have it."""
    manifest = json.loads((folder / "out" / "manifest.json").read_text())
    found: dict[str, dict[str, int]] = {}
    for row in read_pack(folder / "out").to_pylist():
        by_class = found.setdefault(Split(row["split"]).name.lower(), {})
        name = manifest["classes"][row["label"]]
        by_class[name] = by_class.get(name, 0) + 1
    return found


@pytest.mark.parametrize("root", ["", "data/", "a/b/c/", "train/"])
def test_wrapping_folders_are_no_classes(root: str, tmp_path: Path) -> None:
    result = run_ingest(zipped(folders(FEW, prefix=root)), tmp_path)
    assert result.manifest is not None
    assert result.manifest.classes == ["cat", "dog"]
    assert result.report.layout == "image_folder"
    assert {finding.code for finding in result.report.findings} == {"splits_made"}


@pytest.mark.parametrize(
    "names", [("train", "val", "test"), ("Training", "valid", "TESTING"), ("train", "dev", "test")]
)
@pytest.mark.parametrize("root", ["", "set1/"])
def test_split_folders_are_taken_as_they_are(names: tuple[str, str, str], root: str, tmp_path: Path) -> None:
    files: dict[str, bytes] = {}
    for count, name in zip((5, 2, 3), names, strict=True):
        files |= folders({"cat": count, "dog": count}, prefix=f"{root}{name}/", start=len(files))
    result = run_ingest(zipped(files), tmp_path)
    assert result.report.splits == {"train": 10, "val": 4, "test": 6}
    assert splits_of(tmp_path)["val"] == {"cat": 2, "dog": 2}
    assert result.manifest is not None
    assert result.manifest.evaluation_split == "test"


def test_split_folders_inside_class_folders_are_splits(tmp_path: Path) -> None:
    files = folders({"cat/train": 5, "cat/test": 2, "dog/train": 5, "dog/test": 2})
    assert run_ingest(zipped(files), tmp_path).manifest is not None
    assert splits_of(tmp_path)["test"] == {"cat": 2, "dog": 2}


def test_a_class_called_train_is_a_class(tmp_path: Path) -> None:
    result = run_ingest(zipped(folders({"train": 5, "bus": 5, "car": 5})), tmp_path)
    assert result.manifest is not None
    assert result.manifest.classes == ["bus", "car", "train"]


def test_unlabelled_test_folder_is_left_out_without_failing(tmp_path: Path) -> None:
    files = folders(FEW, prefix="train/") | {f"test/{n}.png": png(100 + n) for n in range(8)}
    result = run_ingest(zipped(files), tmp_path)
    assert result.manifest is not None
    assert result.manifest.samples == 10
    assert result.report.counts["image_without_class"] == result.report.skipped == 8


def test_folders_beside_the_splits_are_left_out(tmp_path: Path) -> None:
    files = folders(FEW, prefix="train/") | folders(FEW, prefix="val/", start=20) | folders({"x": 3}, start=50)
    result = run_ingest(zipped(files), tmp_path)
    assert result.report.counts["outside_splits"] == 3
    assert result.report.splits == {"train": 10, "val": 10, "test": 0}
    assert result.manifest is not None
    assert result.manifest.evaluation_split == "val"


@pytest.mark.parametrize(
    "table",
    [
        "filename,label\n{}",
        "label;Path\r\n{}",
        "\ufeffimage\tclass\n{}",
        "{}",
    ],
)
def test_table_names_classes(table: str, tmp_path: Path) -> None:
    images = {f"images/{n}.png": png(n) for n in range(10)}
    delimiter = next((mark for mark in ";\t" if mark in table), ",")
    cells = [[f"images/{n}.png", "even" if n % 2 == 0 else "odd"] for n in range(10)]
    lines = [delimiter.join(reversed(row) if table.startswith("label") else row) for row in cells]
    result = run_ingest(zipped(images | {"labels.csv": table.format("\n".join(lines)).encode()}), tmp_path)
    assert result.report.layout == "csv"
    assert result.manifest is not None
    assert result.manifest.classes == ["even", "odd"]
    assert result.manifest.samples == 10


@pytest.mark.parametrize("name", ["{}.png", "{}", "pictures/{}.png", "./pictures/{}.png", "pictures\\{}.png"])
def test_table_may_name_images_by_path_file_or_stem(name: str, tmp_path: Path) -> None:
    images = {f"root/pictures/im{n}.png": png(n) for n in range(10)}
    rows = "\n".join(f"{name.format(f'im{n}')},{n % 2}" for n in range(10))
    result = run_ingest(tarred(images | {"root/list.csv": f"id,label\n{rows}".encode()}), tmp_path)
    assert result.report.layout == "csv"
    assert result.report.accepted == 10


def test_table_with_a_split_column_and_faulty_rows(tmp_path: Path) -> None:
    images = {f"{n}.png": png(n) for n in range(50)}
    rows = [f"{n}.png,{n % 2},{'test' if n >= 40 else 'train'}" for n in range(49)]
    rows += ["gone.png,1,train", "3.png,0,train", "1.png,1,train", "49.png,,train"]
    result = run_ingest(zipped(images | {"a.csv": ("file,label,split\n" + "\n".join(rows)).encode()}), tmp_path)
    assert result.report.splits["test"] == 9
    assert result.report.skipped == 2  # neither label of 3.png is taken
    codes = {"image_missing", "conflicting_labels", "listed_twice", "label_missing", "image_without_class"}
    assert codes <= result.report.counts.keys()


def test_one_table_for_each_split(tmp_path: Path) -> None:
    images = {f"im/{n}.png": png(n) for n in range(12)}
    tables = {
        f"{split}.csv": ("file,label\n" + "\n".join(f"im/{n}.png,{n % 2}" for n in rows)).encode()
        for split, rows in {"train": range(8), "test": range(8, 12)}.items()
    }
    result = run_ingest(zipped(images | tables), tmp_path)
    assert result.report.splits["test"] == 4


def test_table_about_something_else_leaves_the_folders(tmp_path: Path) -> None:
    result = run_ingest(zipped(folders(FEW) | {"notes.csv": b"epoch,loss\n1,2\n"}), tmp_path)
    assert result.report.layout == "image_folder"
    assert result.report.counts["table_ignored"] == result.report.ignored == 1


def medmnist(prefixes: dict[str, str], *, labels: Any = None) -> bytes:
    """Arrays for each split under the names that `prefixes` gives as `images, labels`."""
    arrays: dict[str, Any] = {}
    for start, names in enumerate(prefixes.values()):
        images, targets = names.split(", ")
        arrays[images] = np.stack([pixels(100 * start + n) for n in range(6)])
        arrays[targets] = np.arange(6) % 2 if labels is None else labels
    return npz(**arrays)


@pytest.mark.parametrize(
    "prefixes",
    [
        {"train": "train_images, train_labels", "val": "val_images, val_labels", "test": "test_images, test_labels"},
        {"train": "x_train, y_train", "test": "x_test, y_test"},
        {"all": "images, labels"},
        {"all": "arr_0, arr_1"},
    ],
)
def test_arrays_are_matched_by_name(prefixes: dict[str, str], tmp_path: Path) -> None:
    result = run_ingest(medmnist(prefixes), tmp_path)
    assert (result.report.archive, result.report.layout) == ("npz", "npz")
    assert result.report.accepted == 6 * len(prefixes)
    if "test" in prefixes:
        assert result.report.splits["test"] == 6
    check_pack(tmp_path / "out")


@pytest.mark.parametrize(
    "labels",
    [
        np.arange(6)[:, None] % 2,
        (np.arange(6) % 2).astype(np.uint8),
        (np.arange(6) % 2).astype(np.float64),
        np.arange(6) % 2 == 1,
        np.array(["0", "1"] * 3),
        np.array([b"0", b"1"] * 3),
    ],
)
def test_array_labels_of_any_sensible_type(labels: Any, tmp_path: Path) -> None:
    result = run_ingest(medmnist({"all": "images, labels"}, labels=labels), tmp_path)
    assert result.manifest is not None
    assert result.manifest.classes == ["0", "1"]


@pytest.mark.parametrize("shape", ["NHW", "NHW1", "N1HW", "NHW3", "N3HW"])
def test_array_shapes(shape: str, tmp_path: Path) -> None:
    channels = 3 if "3" in shape else 1
    stack = np.stack([pixels(n, channels=3)[..., :channels] for n in range(6)])
    given = stack[..., 0] if shape == "NHW" else stack.transpose(0, 3, 1, 2) if shape[1] in "13" else stack
    result = run_ingest(npz(x=np.ascontiguousarray(given), y=np.arange(6) % 2), tmp_path)
    assert result.manifest is not None
    assert result.manifest.channels == channels
    packed = {image.tobytes() for image in check_pack(tmp_path / "out")}
    assert packed == {image.tobytes() for image in stack}


def hugging_face(names: list[str]) -> bytes:
    features = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
    return json.dumps({"info": {"features": features}}).encode()


def test_parquet_as_hugging_face_writes_it(tmp_path: Path) -> None:
    images = [{"bytes": png(n), "path": f"{n}.png"} for n in range(10)]
    columns = {"label": [n % 2 for n in range(9)] + [-1], "image": images}
    result = run_ingest(parquet(columns, hugging_face(["zebra", "ant", "unused"])), tmp_path)
    assert (result.report.archive, result.report.layout) == ("parquet", "parquet")
    assert result.manifest is not None
    assert result.manifest.classes == ["zebra", "ant"]
    assert result.report.counts["label_missing"] == result.report.skipped == 1
    assert sorted(row["path"] for row in read_pack(tmp_path / "out").to_pylist()) == [f"{n}.png" for n in range(9)]


@pytest.mark.parametrize("labels", [["a", "b"] * 5, [7, 12] * 5, [True, False] * 5])
def test_parquet_of_plain_columns(labels: list[Any], tmp_path: Path) -> None:
    split = ["train"] * 8 + ["test"] * 2
    result = run_ingest(parquet({"img": [png(n) for n in range(10)], "class": labels, "split": split}), tmp_path)
    assert result.report.splits["test"] == 2
    assert result.report.classes == 2


def test_parquet_rows_without_bytes_are_named(tmp_path: Path) -> None:
    images = [{"bytes": png(n) if n else None, "path": f"{n}.png"} for n in range(40)]
    result = run_ingest(parquet({"image": images, "label": [n % 2 for n in range(40)]}), tmp_path)
    assert [f.path for f in result.report.findings if f.code == "image_missing"] == ["0.png"]


def test_same_images_make_the_same_pack_in_every_format_and_order(tmp_path: Path) -> None:
    labels = [n % 12 for n in range(60)]
    files = {f"{label}/{n}.png": png(n) for n, label in enumerate(labels)}
    table = "\n".join(f"im/{n}.png,{label}" for n, label in enumerate(labels))
    images = np.stack([pixels(n) for n in range(60)])
    archives = {
        "zip": zipped(files),
        "reversed": zipped(dict(reversed(files.items()))),
        "tar": tarred(files, mode="w"),
        "tar.gz": tarred(files),
        "csv": zipped({f"im/{n}.png": png(n) for n in range(60)} | {"a.csv": f"file,label\n{table}".encode()}),
        "npz": npz(images=images, labels=np.array(labels)),
        "parquet": parquet({"image": [png(n) for n in range(60)], "label": labels}),
    }
    packs = {}
    for name, archive in archives.items():
        (tmp_path / name).mkdir()
        manifest = run_ingest(archive, tmp_path / name).manifest
        assert manifest is not None
        assert manifest.classes == [str(n) for n in range(12)]
        rows = read_pack(tmp_path / name / "out").drop_columns(["path"])
        packs[name] = (manifest.digest, manifest.mean, rows)
    assert all(digest == packs["zip"][0] and mean == packs["zip"][1] for digest, mean, _ in packs.values())
    assert all(rows.equals(packs["zip"][2]) for _, _, rows in packs.values())


def test_a_long_listing_shows_that_it_goes_on(tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(tarred(folders({"cat": 300, "dog": 300})))
    heard: list[tuple[int, int]] = []
    ingest(tmp_path / "archive", tmp_path / "out", splits=None, progress=lambda *said: heard.append(said))
    assert heard[:3] == [(0, 0), (0, 512), (0, 1024)]
    assert heard[-1] == (1200, 1200)
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)


def test_digest_tells_datasets_apart(tmp_path: Path) -> None:
    files = folders(FEW)
    swapped = files | {"cat/0.png": files["dog/0.png"], "dog/0.png": files["cat/0.png"]}
    renamed = {name.replace("cat", "cow"): content for name, content in files.items()}
    digests = set()
    for number, archive in enumerate((files, swapped, renamed, folders(FEW, start=1))):
        (tmp_path / str(number)).mkdir()
        manifest = run_ingest(zipped(archive), tmp_path / str(number)).manifest
        assert manifest is not None
        digests.add(manifest.digest)
    assert len(digests) == 4
