"""Trees of folders by their paths alone: which images are of which class and split, and whether a doubt is named."""

import re
from typing import NamedTuple

import pytest

from contract.specs.reading import AS_FOUND, ReadingSpec
from ingest.archives.members import Member
from ingest.findings import Findings, Refused
from ingest.layouts.folders import read_folders, tell


class Tree(NamedTuple):
    name: str
    folders: dict[str, int]  # folder -> images in it
    classes: set[str]
    left_out: int = 0
    doubt: bool = False
    splits: dict[str, int] = {}  # noqa: RUF012 - never changed


def images(folders: dict[str, int]) -> list[Member]:
    paths = [f"{folder}/{number}.jpg" for folder, count in folders.items() for number in range(count)]
    return [Member(path, position) for position, path in enumerate(paths)]


def each(prefix: str, names: str, count: int = 10) -> dict[str, int]:
    return {f"{prefix}{name}": count for name in names.split()}


FLOWERS = " ".join(f"c{number}" for number in range(1, 18))
TREES = [
    Tree("plain", each("", "cat dog"), {"cat", "dog"}),
    Tree("wrapped", each("a/b/", "cat dog"), {"cat", "dog"}),
    Tree(
        "wrapper_with_side_folder", each("datas/17flowers/", FLOWERS) | {"datas/prc": 4}, set(FLOWERS.split()), 4, True
    ),
    Tree(
        "resized_beside_images",
        each("dataset-resized/", "glass paper metal") | {"images": 6},
        {"glass", "paper", "metal"},
        6,
        True,
    ),
    Tree("examples_beside", each("Dataset/", "0 1 2") | {"Examples": 8}, {"0", "1", "2"}, 8, True),
    Tree(
        "nested_classes",
        each("animals/", "cat dog") | each("plants/", "rose tulip"),
        {"cat", "dog", "rose", "tulip"},
        0,
        True,
    ),
    Tree(
        "three_levels",
        each("food/fruit/", "apple pear") | each("food/veg/", "leek kale"),
        {"apple", "pear", "leek", "kale"},
        0,
        True,
    ),
    Tree(
        "same_name_in_two_groups",
        each("apple/", "red other") | each("pear/", "green other"),
        {"red", "apple/other", "green", "pear/other"},
        0,
        True,
    ),
    Tree(
        "train_set",
        each("train_set/", "cat dog") | each("test_set/", "cat dog", 3),
        {"cat", "dog"},
        splits={"TRAIN": 20, "TEST": 6},
    ),
    Tree(
        "seg_train",
        each("seg_train/seg_train/", "sea street")
        | each("seg_test/seg_test/", "sea street", 3)
        | {"seg_pred/seg_pred": 5},
        {"sea", "street"},
        5,
        splits={"TRAIN": 20, "TEST": 6},
    ),
    Tree(
        "doubled",
        each("training_set/training_set/", "cats dogs") | each("test_set/test_set/", "cats dogs", 3),
        {"cats", "dogs"},
        splits={"TRAIN": 20, "TEST": 6},
    ),
    Tree("test_doubled_without_classes", each("train/train/", "cat dog") | {"test/test": 5}, {"cat", "dog"}, 5),
    Tree("test_of_unknown", each("train/", "cat dog") | {"test/unknown": 5}, {"cat", "dog"}, 5),
    Tree(
        "decorated",
        each("asl_train/", "A B") | each("asl_test/", "A B", 2),
        {"A", "B"},
        splits={"TRAIN": 20, "TEST": 4},
    ),
    Tree("years", each("train2017/", "A B") | each("val2017/", "A B", 2), {"A", "B"}, splits={"TRAIN": 20, "VAL": 4}),
    Tree("validate", each("train/", "A B") | each("validate/", "A B", 2), {"A", "B"}, splits={"TRAIN": 20, "VAL": 4}),
    Tree("class_images", {"cat/images": 10, "dog/images": 10}, {"cat", "dog"}),
    Tree(
        "tiny_imagenet",
        {"t/train/n01/images": 10, "t/train/n02/images": 10, "t/val/images": 4, "t/test/images": 4},
        {"n01", "n02"},
        8,
    ),
    Tree(
        "class_then_split",
        {"cat/train": 9, "cat/test": 2, "dog/train": 9, "dog/test": 2},
        {"cat", "dog"},
        splits={"TRAIN": 18, "TEST": 4},
    ),
    Tree("drives", each("", "city highway test-drive-may"), {"city", "highway", "test-drive-may"}),
    Tree(
        "test_drive_with_train",
        each("", "train-station test-track bus-stop"),
        {"train-station", "test-track", "bus-stop"},
    ),
    Tree("vehicles", each("", "train bus car"), {"train", "bus", "car"}),
    Tree("cameras", each("cam1/", "ok defect") | each("cam2/", "ok defect"), {"ok", "defect"}, 0, True),
    Tree(
        "domains",
        each("amazon/images/", "mug pen bike") | each("dslr/images/", "mug pen bike", 4),
        {"mug", "pen", "bike"},
        0,
        True,
    ),
    Tree(
        "copies_in_gray",
        each("raw/color/", "Apple___healthy Corn___rust") | each("raw/grayscale/", "Apple___healthy Corn___rust"),
        {"Apple___healthy", "Corn___rust"},
        0,
        True,
    ),
    Tree(
        "states_of_plants",
        each("Apple/", "healthy rust") | each("Corn/", "healthy blight"),
        {"Apple/healthy", "Apple/rust", "Corn/healthy", "Corn/blight"},
        0,
        True,
    ),
    Tree(
        "plants_of_states",
        each("train/Fresh/", "apple pear") | each("train/Rotten/", "apple pear") | each("test/Rotten/", "apple pear"),
        {"Fresh/apple", "Fresh/pear", "Rotten/apple", "Rotten/pear"},
        0,
        True,
    ),
    Tree("folds", each("fold1/", "0 1 2") | each("fold2/", "0 1 2"), {"0", "1", "2"}, 0, True),
    Tree("sessions", each("rock/", "session1 session2") | each("paper/", "session1 session2"), {"rock", "paper"}),
    Tree("numbers_within", each("rock/", "1 2 3") | each("paper/", "1 2 3"), {"rock", "paper"}, 0, True),
    Tree("persons", {f"{k}/id{n}{k}": 1 for k in ("real", "spoof") for n in range(15)}, {"real", "spoof"}, 0, True),
    Tree("one_class_has_folders", {"cat/persian": 5, "cat/tabby": 5, "dog": 5}, {"cat", "dog"}, 0, True),
    Tree("loose_beside_folders", {"cat": 10, "cat/more": 3, "dog": 10}, {"cat", "dog"}),
    Tree(
        "copy_of_the_set", each("x/train/", "a b") | each("x/val/", "a b") | each("x/x/train/", "a b"), {"a", "b"}, 20
    ),
    Tree("loose_at_the_top", each("data/", "cat dog") | {".": 3}, {"cat", "dog"}, 3),
]


@pytest.mark.parametrize("tree", TREES, ids=[tree.name for tree in TREES])
def test_tree(tree: Tree) -> None:
    members = [Member(member.path.removeprefix("./"), member.position) for member in images(tree.folders)]
    found = read_folders(members, AS_FOUND)
    findings = Findings()
    tell(found, findings)
    assert found.names == tree.classes
    assert len(found.left_out) == tree.left_out == findings.skipped
    assert ("two_readings" in findings.counts) == tree.doubt
    for name, count in tree.splits.items():
        assert sum(e.split is not None and e.split.name == name for e in found.labelled.values()) == count


def test_a_large_folder_beside_the_classes_is_not_guessed_at() -> None:
    found = read_folders(images(each("set/", "a b c d e f") | {"more": 40}), AS_FOUND)
    with pytest.raises(Refused) as refused:
        tell(found, Findings())
    assert "--ignore 'more'" in str(refused.value.fix)
    assert "--classes-at 1" in str(refused.value.fix)


@pytest.mark.parametrize(
    ("classes_at", "classes"),
    [
        (1, {"animals", "plants"}),
        ("1-2", {"animals/cat", "animals/dog", "plants/rose"}),
        (2, {"cat", "dog", "rose"}),
        ("animals/*", {"cat", "dog"}),
        ("*", {"animals", "plants"}),
    ],
)
def test_the_person_says_which_folders_are_classes(classes_at: int | str, classes: set[str]) -> None:
    found = read_folders(
        images({"animals/cat": 3, "animals/dog": 3, "plants/rose": 3}), ReadingSpec(classes_at=classes_at)
    )
    assert found.names == classes


def test_the_remedy_of_a_doubt_gives_the_other_reading() -> None:
    folders = images(each("datas/17flowers/", FLOWERS) | {"datas/prc": 4})
    findings = Findings()
    tell(read_folders(folders, AS_FOUND), findings)
    [doubt] = [finding for finding in findings.listed() if finding.code == "two_readings"]
    assert "17flowers, prc" in doubt.message
    depth = int(str(doubt.fix).split("--classes-at ")[1].split("`")[0])
    assert read_folders(folders, ReadingSpec(classes_at=depth)).names == {"17flowers", "prc"}


def test_numbered_names_of_several_folders_are_not_guessed_at() -> None:
    """Omniglot: `character01` of each alphabet is another letter."""
    letters = "character01 character02 character03"
    folders = images(each("set/Greek/", letters) | each("set/Latin/", letters))
    with pytest.raises(Refused) as refused:
        tell(read_folders(folders, AS_FOUND), Findings())
    for classes_at, classes in (("1-2", 6), (1, 2), (2, 3)):
        shifted = "2-3" if classes_at == "1-2" else int(classes_at) + 1
        assert f"`--classes-at {shifted}`" in str(refused.value.fix)
        assert len(read_folders(folders, ReadingSpec(classes_at=shifted)).names) == classes


@pytest.mark.parametrize("folder", ["Apple/", "amazon/"])
def test_the_remedies_of_names_that_recur_give_all_readings(folder: str) -> None:
    """Both names joined, the outer and the inner ones: the two that were not read are offered."""
    folders = images(each(folder, "healthy mug") | each(f"{folder[:3]}x/", "healthy mug"))
    findings = Findings()
    found = read_folders(folders, AS_FOUND)
    tell(found, findings)
    [doubt] = [finding for finding in findings.listed() if finding.code == "two_readings"]
    offered = re.findall(r"--classes-at ([\d-]+)", str(doubt.fix))
    others = [read_folders(folders, ReadingSpec(classes_at=int(o) if o.isdigit() else o)).names for o in offered]
    assert sorted(map(len, [found.names, *others])) == [2, 2, 4]


@pytest.mark.parametrize(
    "names", ["images_001 images_002", "HAM_images_part_1 HAM_images_part_2", "Dataset-1 Dataset-2"]
)
def test_folders_called_after_parts_are_no_classes(names: str) -> None:
    assert not read_folders(images(each("", names)), AS_FOUND).plausible


@pytest.mark.parametrize("classes_at", [4, "nothing/*", "0-1", "1-5"])
def test_folders_that_are_not_there_are_refused(classes_at: int | str) -> None:
    with pytest.raises(Refused, match="no folder"):
        read_folders(images(each("", "cat dog")), ReadingSpec(classes_at=classes_at))


def test_pictures_and_masks_are_no_classes() -> None:
    found = read_folders(images(each("set/", "images masks")), AS_FOUND)
    assert not found.plausible


def test_very_deep_and_very_many_folders_take_no_time() -> None:
    deep = {"/".join("abcdefgh"[n % 8] for n in range(500)): 3, "x": 3}
    many = {f"r{n % 7}/s{n % 1000}/t{n}": 1 for n in range(30_000)}
    assert len(read_folders(images(deep), AS_FOUND).labelled) == 6
    assert len(read_folders(images(many), AS_FOUND).labelled) == 30_000
