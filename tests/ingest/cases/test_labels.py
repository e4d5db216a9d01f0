"""Tables and folders that both name classes: which of them decides, and what the report says."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.ingest.archives import folders, png, zipped
from tests.ingest.cases.labelled import NAMES, Files, classes, csv_of, numbered, parity, photos, read, refusal
from tests.ingest.packs import run_ingest


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_tables_of_excel_are_read(encoding: str, delimiter: str, tmp_path: Path) -> None:
    table = "\r\n".join(row.replace(",", delimiter) for row in ["filename,label", *parity(NAMES)])
    result = read(photos(NAMES) | {"labels.csv": table.encode(encoding)}, tmp_path)
    assert classes(result) == {"even", "odd"}


def test_one_column_for_each_class(tmp_path: Path) -> None:
    header = "image,MEL,NV,BCC,UNK"
    rows = [
        f"{name.removesuffix('.png')},{float(n % 3 == 0)},{float(n % 3 == 1)},{float(n % 3 == 2)},0.0"
        for n, name in enumerate(NAMES)
    ]
    assert classes(read(photos(NAMES) | {"truth.csv": csv_of(header, rows)}, tmp_path)) == {"MEL", "NV", "BCC"}


def test_images_of_several_classes_are_refused_and_not_guessed(tmp_path: Path) -> None:
    rows = [f"{name},1,{n % 2}" for n, name in enumerate(NAMES)]
    said = refusal(read(photos(NAMES) | {"_classes.csv": csv_of("filename, sky, sea", rows)}, tmp_path))
    assert "20 of 40 images have several classes" in said


def test_a_long_table_that_names_images_with_several_classes_is_refused(tmp_path: Path) -> None:
    rows = [f"{name},{label}" for name in NAMES for label in ("sky", "sea")]
    assert "several classes" in refusal(read(photos(NAMES) | {"l.csv": csv_of("filename,label", rows)}, tmp_path))


def test_a_few_images_of_several_classes_are_left_out(tmp_path: Path) -> None:
    rows = [f"{name},{int(n % 2 == 0 or n == 7)},{n % 2}" for n, name in enumerate(NAMES)]
    result = read(photos(NAMES) | {"_classes.csv": csv_of("filename, a, b", rows)}, tmp_path)
    assert result.report.counts["conflicting_labels"] == result.report.skipped == 1


def test_open_images_labels(tmp_path: Path) -> None:
    names = numbered("train/im", 20)
    words = b"/m/01,Tortoise\n/m/02,Magpie\n"
    rows = [f"im{n},verification,/m/0{1 + n % 2},1" for n in range(20)]
    rows += [f"im{n},verification,/m/0{2 - n % 2},0" for n in range(20)]
    files = {"class-descriptions.csv": words, "train-labels.csv": csv_of("ImageID,Source,LabelName,Confidence", rows)}
    assert classes(read(photos(names) | files, tmp_path)) == {"Tortoise", "Magpie"}


def test_metadata_jsonl_prefers_words_to_numbers(tmp_path: Path) -> None:
    lines = [
        json.dumps({"file_name": name, "label": n % 2, "label_name": ("ok", "bad")[n % 2]})
        for n, name in enumerate(NAMES)
    ]
    result = read(photos(NAMES) | {"metadata.jsonl": "\n".join(lines).encode()}, tmp_path)
    assert classes(result) == {"ok", "bad"}


def test_a_column_of_words_is_read_beside_one_of_the_same_numbers(tmp_path: Path) -> None:
    rows = [f"{name},{n % 2},{('ok', 'bad')[n % 2]}" for n, name in enumerate(NAMES)]
    assert classes(read(photos(NAMES) | {"l.csv": csv_of("filename,label,label_name", rows)}, tmp_path)) == {
        "ok",
        "bad",
    }


def test_columns_that_differ_are_two_readings(tmp_path: Path) -> None:
    rows = [
        f"{name},{('cat', 'dog')[n % 2]},{('tabby', 'siam', 'pug', 'poodle')[n % 4]}" for n, name in enumerate(NAMES)
    ]
    files = photos(NAMES) | {"l.csv": csv_of("filename,label,species", rows)}
    result = read(files, tmp_path)
    assert classes(result) == {"cat", "dog"}
    [doubt] = [finding for finding in result.report.findings if finding.code == "two_readings"]
    assert "'species' names classes too" in doubt.message
    assert classes(read(files, tmp_path, labels_from="l.csv:species")) == {"tabby", "siam", "pug", "poodle"}


@pytest.mark.parametrize(
    "labels",
    [
        lambda names: {name: ("a", "b")[n % 2] for n, name in enumerate(names)},
        lambda names: [{"file_name": name, "label": ("a", "b")[n % 2]} for n, name in enumerate(names)],
        lambda names: {"labels": [[name, ("a", "b")[n % 2]] for n, name in enumerate(names)]},
    ],
)
def test_labels_in_json(labels: Any, tmp_path: Path) -> None:
    result = read(photos(NAMES) | {"dataset.json": json.dumps(labels(NAMES)).encode()}, tmp_path)
    assert classes(result) == {"a", "b"}
    assert result.report.layout == "json_labels"


def test_a_table_that_agrees_with_folders_brings_its_splits(tmp_path: Path) -> None:
    files = folders({"cat": 20, "dog": 20})
    rows = [f"{name},{name.split('/')[0].upper()},{'test' if n % 4 == 0 else 'train'}" for n, name in enumerate(files)]
    result = read(files | {"l.csv": csv_of("filepaths,labels,data set", rows)}, tmp_path)
    assert classes(result) == {"cat", "dog"}
    assert result.report.splits["test"] == 10
    assert "two_readings" not in result.report.counts


def test_a_table_against_class_folders_is_two_readings(tmp_path: Path) -> None:
    files = folders({"ann": 20, "bob": 20})
    table = {"l.csv": csv_of("filename,label", parity(list(files)))}
    result = read(files | table, tmp_path)
    assert classes(result) == {"even", "odd"}
    assert result.report.counts["two_readings"] == 1
    assert classes(read(files | table, tmp_path, labels_from="folders")) == {"ann", "bob"}


def test_a_stray_table_of_most_images_is_refused_until_someone_chooses(tmp_path: Path) -> None:
    files = folders({"ann": 20, "bob": 20})
    table = {"l.csv": csv_of("filename,label", parity(list(files)[:30]))}
    said = refusal(read(files | table, tmp_path))
    assert "--labels-from folders" in said
    assert "--labels-from 'l.csv'" in said
    chosen = read(files | table, tmp_path, labels_from="l.csv")
    assert classes(chosen) == {"even", "odd"}
    assert chosen.report.skipped == 10


def test_a_stray_table_of_few_images_is_told(tmp_path: Path) -> None:
    files = folders({"ann": 20, "bob": 20})
    result = read(files | {"l.csv": csv_of("filename,label", parity(list(files)[:6]))}, tmp_path)
    assert classes(result) == {"ann", "bob"}
    [ignored] = [finding for finding in result.report.findings if finding.code == "table_ignored"]
    assert ignored.severity == "warning"
    assert "--labels-from 'l.csv'" in str(ignored.fix)


def test_images_that_the_table_forgets_count_as_bad(tmp_path: Path) -> None:
    said = refusal(read(photos(NAMES) | {"l.csv": csv_of("filename,label", parity(NAMES[:30]))}, tmp_path))
    assert "10 of 40 images" in said


def test_a_folder_that_no_row_names_is_left_out(tmp_path: Path) -> None:
    rest = numbered("test/", 10, 50)
    result = read(photos(NAMES + rest) | {"train.csv": csv_of("filename,label", parity(NAMES))}, tmp_path)
    assert result.report.skipped == 10
    assert classes(result) == {"even", "odd"}


def test_placeholders_of_a_submission_form_are_no_labels(tmp_path: Path) -> None:
    training, held_out = numbered("train/", 20), numbered("test/", 10, 30)
    tables = {
        "train.csv": csv_of("id,label", parity([name.removeprefix("train/") for name in training])),
        "sample_submission.csv": csv_of("id,label", [f"{n}.png,even" for n in range(30, 40)]),
    }
    result = read(photos(training + held_out) | tables, tmp_path)
    assert result.report.accepted == 20
    assert result.report.counts["table_ignored"] == 1


def test_a_table_of_other_images_is_named_as_the_reason(tmp_path: Path) -> None:
    rows = [f"IMG_{n}.png,{n % 2}" for n in range(40)]
    said = refusal(read(photos(NAMES) | {"labels.csv": csv_of("filename,label", rows)}, tmp_path))
    assert "labels.csv" in said
    assert "40 of its 40 rows" in said


def test_a_table_of_unknown_columns_is_named_as_the_reason(tmp_path: Path) -> None:
    rows = [f"{name},3,{n % 2}" for n, name in enumerate(NAMES)]
    said = refusal(read(photos(NAMES) | {"labels.csv": csv_of("bild,nr,art", rows)}, tmp_path))
    assert "labels.csv" in said


def test_split_folders_without_classes_are_refused(tmp_path: Path) -> None:
    files = photos(numbered("train/", 20) + numbered("valid/", 5, 20) + numbered("test/", 5, 30))
    said = refusal(read(files, tmp_path))
    assert "split folders" in said


@pytest.mark.parametrize(
    ("annotations", "task"),
    [
        ({f"labels/{n}.txt": b"0 0.5 0.5 0.2 0.2" for n in range(40)}, "detection"),
        ({f"annotations/{n}.xml": b"<annotation/>" for n in range(40)}, "detection"),
        ({"a.json": b'{"images": [], "annotations": [], "categories": []}'}, "detection"),
        ({"b.csv": b"filename,class,xmin,ymin,xmax,ymax\nimages/0.png,a,1,1,2,2"}, "detection"),
        ({f"masks/{n}.png": png(n + 100) for n in range(40)}, "segmentation"),
    ],
)
def test_data_of_another_task_is_refused_with_the_task_that_reads_it(
    annotations: Files, task: str, tmp_path: Path
) -> None:
    assert f"--task {task}" in refusal(read(photos(NAMES) | annotations, tmp_path))


def test_boxes_beside_class_folders_are_told(tmp_path: Path) -> None:
    files = folders({"cat": 10, "dog": 10})
    result = read(files | {name.replace(".png", ".xml"): b"<annotation/>" for name in files}, tmp_path)
    assert classes(result) == {"cat", "dog"}
    assert result.report.counts["other_task"] == 1


@pytest.mark.parametrize(
    ("raw", "name"),
    [("猫咪".encode("gbk"), "猫咪"), ("Bäume".encode("cp850"), "Bäume"), ("Épée".encode("cp850"), "Épée")],
)
def test_class_folders_of_windows_zips_keep_their_names(raw: bytes, name: str, tmp_path: Path) -> None:
    archive = zipped(folders({"X" * len(raw): 8, "dog": 8})).replace(b"X" * len(raw), raw)
    result = run_ingest(archive, tmp_path)
    assert classes(result) == {name, "dog"}


def test_zips_in_a_zip_are_folders(tmp_path: Path) -> None:
    inner = {
        "train.zip": zipped(folders({"cat": 9, "dog": 9})),
        "test.zip": zipped(folders({"cat": 3, "dog": 3}, start=50)),
    }
    result = read(inner, tmp_path)
    assert classes(result) == {"cat", "dog"}
    assert result.report.splits["test"] == 6


def test_headers_with_spaces_and_capitals(tmp_path: Path) -> None:
    rows = [f"{n},{name},{n % 2},{('ok', 'bad')[n % 2]}" for n, name in enumerate(NAMES)]
    assert classes(read(photos(NAMES) | {"t.csv": csv_of(",File Name,Label,ClassName", rows)}, tmp_path)) == {
        "ok",
        "bad",
    }


def test_labels_in_a_file_that_is_not_read_are_named(tmp_path: Path) -> None:
    assert "imagelabels.mat" in refusal(read(photos(NAMES) | {"imagelabels.mat": b"MATLAB 5.0"}, tmp_path))


def test_masks_that_have_the_names_of_pictures_get_no_labels(tmp_path: Path) -> None:
    """Oxford-IIIT Pet: `list.txt` names stems, which are those of the trimaps beside it, too."""
    pictures = [f"images/{breed}_{n}.jpg" for breed in ("pug", "boxer") for n in range(12)]
    trimaps = [name.replace("images", "annotations/trimaps").replace(".jpg", ".png") for name in pictures]
    stems = [name.removeprefix("images/").removesuffix(".jpg") for name in pictures]
    lists = {
        f"annotations/{name}.txt": "\n".join(f"{stem} {1 + at // 12} 1 1" for at, stem in chosen).encode()
        for name, chosen in {
            "list": list(enumerate(stems)),
            "trainval": [(at, stem) for at, stem in enumerate(stems) if at % 4],
            "test": [(at, stem) for at, stem in enumerate(stems) if at % 4 == 0],
        }.items()
    }
    result = read(photos(pictures + trimaps) | lists, tmp_path)
    assert (result.report.accepted, result.report.counts["masks_left_out"]) == (24, 1)
    assert result.report.splits["test"] == 6
    assert "table_ignored" not in result.report.counts


def test_tables_that_contradict_each_other_are_refused_by_name(tmp_path: Path) -> None:
    tables = {
        "a.csv": csv_of("filename,label", parity(NAMES)),
        "b.csv": csv_of("filename,label", parity(NAMES, ("odd", "even"))),
    }
    said = refusal(read(photos(NAMES) | tables, tmp_path))
    assert "a.csv, b.csv" in said
    assert classes(read(photos(NAMES) | tables, tmp_path, labels_from="b.csv")) == {"even", "odd"}


@pytest.mark.parametrize(("values", "test"), [(("train", "val", "test"), 10), (("0", "1", "2"), 6)])
def test_a_table_of_splits_alone_gives_no_classes(values: tuple[str, str, str], test: int, tmp_path: Path) -> None:
    files = folders({"cat": 15, "dog": 15})
    table = csv_of("image_id,partition", [f"{path},{values[at % 3]}" for at, path in enumerate(files)])
    result = read(files | {"partition.csv": table}, tmp_path)
    assert classes(result) == {"cat", "dog"}
    assert result.report.splits["test"] == test


def test_a_column_that_never_changes_is_no_second_reading(tmp_path: Path) -> None:
    rows = [f"0,{name},{('ok', 'bad')[n % 2]}" for n, name in enumerate(NAMES)]
    result = read(photos(NAMES) | {"t.csv": csv_of("class id,filepaths,labels", rows)}, tmp_path)
    assert "two_readings" not in result.report.counts


def test_pictures_beside_the_splits_that_a_table_names_are_told(tmp_path: Path) -> None:
    training = [f"Train/{n % 2}/{n}.png" for n in range(20)]
    held_out, icons = numbered("Test/", 6), ["Meta/0.png", "Meta/1.png"]
    rows = {
        "Train.csv": [f"{n % 2},{name}" for n, name in enumerate(training)],
        "Test.csv": [f"{n % 2},{name}" for n, name in enumerate(held_out)],
        "Meta.csv": [f"{n},{name}" for n, name in enumerate(icons)],
    }
    files = photos(training + held_out + icons) | {name: csv_of("ClassId,Path", each) for name, each in rows.items()}
    result = read(files, tmp_path)
    assert result.report.splits["test"] == 6
    assert result.report.counts["outside_by_table"] == 1


def test_a_class_called_masks_is_a_class(tmp_path: Path) -> None:
    assert classes(read(folders({"masks": 9, "caps": 9, "hats": 9}), tmp_path)) == {"masks", "caps", "hats"}
