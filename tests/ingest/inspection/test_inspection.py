"""The inspection that ingest leaves beside a pack: twins, classes alike, sizes, thumbnails, what was left out."""

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from contract.pack.thumbnails import OFFSET
from contract.results.ingested import Finding
from contract.results.inspected import Inspection
from ingest import IngestResult, SplitRequest
from ingest.images.miniatures import TILE, TILE_BYTES
from ingest.inspection import twins
from tests.data import layouts, scenes
from tests.ingest.archives import encode, folders, zipped
from tests.ingest.packs import read_pack, run_ingest

COLOURS = ["red", "navy", "olive", "teal", "gold", "plum", "gray", "pink"]


def drawing(seed: int, *, side: int = 96) -> Image.Image:
    """A picture with shapes in it: unlike any other seed's."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (side, side), str(random.choice(COLOURS)))
    draw = ImageDraw.Draw(image)
    for _ in range(9):
        x, y, width, height = (random.random(4) * side).tolist()
        draw.ellipse((x - width / 3, y - height / 3, x + width / 3, y + height / 3), fill=str(random.choice(COLOURS)))
    return image


def png(seed: int, **size: int) -> bytes:
    return encode(drawing(seed, **size))


def resaved(seed: int) -> bytes:
    """The same picture, darker, smaller and as a bad JPEG: what a copy from the web looks like."""
    darker = drawing(seed).point(lambda value: int(value * 0.8) + 10)
    return encode(darker.resize((70, 70)), "JPEG", quality=40)


def split_set() -> dict[str, bytes]:
    """Two classes in train and test, each picture of its own."""
    return {
        f"{split}/{name}/{number}.png": png(1000 * place + number)
        for place, (split, name) in enumerate([("train", "a"), ("train", "b"), ("test", "a"), ("test", "b")])
        for number in range(12)
    }


def inspected(files: dict[str, bytes], folder: Path, **asked: object) -> tuple[Inspection, IngestResult]:
    result = run_ingest(zipped(files), folder, **asked)
    return Inspection.model_validate_json((folder / "out" / "inspection.json").read_bytes()), result


def finding(result: IngestResult, code: str) -> Finding:
    return next(found for found in result.report.findings if found.code == code)


def test_pictures_of_its_own_each_are_no_twins(tmp_path: Path):
    found, result = inspected(split_set(), tmp_path)
    assert found.near_duplicates.pairs == {"leak": 0, "contradiction": 0, "repeat": 0}
    assert found.near_duplicates.compared == 48
    assert not [code for code in result.report.counts if code.startswith("near_duplicates")]


def test_copies_of_training_pictures_in_test_are_told_with_a_remedy(tmp_path: Path):
    copies = {f"test/a/copy{number}.jpg": resaved(number) for number in range(3)}
    found, result = inspected(split_set() | copies, tmp_path, splits=SplitRequest(val=0))
    near = found.near_duplicates
    assert (near.pairs["leak"], near.pairs["contradiction"], near.leaked) == (3, 0, {"val": 0, "test": 3})
    paths = read_pack(tmp_path / "out").column("path").to_pylist()
    for twin in near.listed:
        assert paths[twin.first].startswith("test/a/copy")
        assert paths[twin.second] == f"train/a/{paths[twin.first][len('test/a/copy') :].removesuffix('.jpg')}.png"
    told = finding(result, "near_duplicates_across_splits")
    assert told.severity == "warning"
    assert told.message.startswith("3 of 27 pictures in test look nearly the same as a training picture")
    assert told.fix is not None
    assert "push again" in told.fix


def test_nearly_equal_pictures_of_two_classes_are_told(tmp_path: Path):
    found, result = inspected(split_set() | {"train/b/other.jpg": resaved(5)}, tmp_path)
    assert found.near_duplicates.pairs == {"leak": 0, "contradiction": 1, "repeat": 0}
    told = finding(result, "near_duplicates_contradict")
    assert {told.path, told.message.split("'")[1]} == {"train/b/other.jpg", "train/a/5.png"}


def test_copies_in_one_class_are_a_remark(tmp_path: Path):
    found, result = inspected(split_set() | {"train/a/other.jpg": resaved(5)}, tmp_path)
    assert found.near_duplicates.pairs["repeat"] == 1
    assert finding(result, "near_duplicates").severity == "info"


def test_twins_are_found_by_sorting_and_not_each_against_each():
    """20,000 pictures in a share of the time and memory that 200 million comparisons take."""
    random = np.random.default_rng(0)
    tiles = random.integers(0, 256, (20_000, TILE_BYTES), dtype=np.uint8)
    tiles[10_000:10_050] = (tiles[:50] * 0.9).astype(np.uint8)
    asked = []
    found = twins.find(len(tiles), lambda rows: asked.append(len(rows)) or tiles[rows])
    assert set(zip(found.first.tolist(), found.second.tolist(), strict=True)) == {(n, n + 10_000) for n in range(50)}
    assert sum(asked) < 3 * len(tiles)


def test_pictures_all_alike_cost_no_more_than_a_bound():
    random = np.random.default_rng(0)
    base = np.repeat(np.arange(TILE, dtype=np.uint8) * 8, TILE * 3)
    tiles = (base + random.integers(0, 3, (30_000, TILE_BYTES))).astype(np.uint8)
    found = twins.find(len(tiles), lambda rows: tiles[rows])
    assert 0 < len(found.first) <= 1_000_000
    assert len(np.unique(np.concatenate([found.first, found.second]))) > 29_000


def test_flat_pictures_are_not_compared():
    tiles = np.random.default_rng(0).integers(120, 124, (50, TILE_BYTES)).astype(np.uint8)
    assert not len(twins.find(len(tiles), lambda rows: tiles[rows]).first)


def test_classes_of_one_kind_of_picture_are_alike_and_others_are_not(tmp_path: Path):
    """`a` and `b` are drawn from one urn, `c` is a texture."""
    random = np.random.default_rng(3)
    files = {
        f"{name}/{number}.png": png(100 * place + number) for place, name in enumerate("ab") for number in range(40)
    }
    for number in range(40):
        stripes = np.tile(random.integers(0, 255, (1, 96, 1)), (96, 1, 3)).astype(np.uint8)
        files[f"c/{number}.png"] = encode(stripes)
    found, _ = inspected(files, tmp_path)
    assert [(pair.first, pair.second) for pair in found.alike_classes or []] == [("a", "b")]
    assert 0.4 < (found.alike_classes or [])[0].mixed < 0.6


def test_thumbnails_are_small_copies_in_the_order_of_the_pack(tmp_path: Path):
    sides = [300, 96, 1200, 300, 96, 1200]
    files = {f"{n % 2}/{n}.png": png(n, side=side) for n, side in enumerate(sides)}
    inspected(files, tmp_path)
    content = (tmp_path / "out" / "thumbnails.bin").read_bytes()
    table = read_pack(tmp_path / "out")
    ends = np.frombuffer(content, OFFSET, len(table) + 1)
    for row, path in enumerate(table.column("path").to_pylist()):
        shown, original = (
            content[ends[row] : ends[row + 1]],
            drawing(int(Path(path).stem), side=table["width"][row].as_py()),
        )
        if original.width == 96:
            assert shown == b""
            continue
        with Image.open(io.BytesIO(shown)) as small:
            assert (small.format, small.size) == ("JPEG", (192, 192))
            expected = np.asarray(original.resize((192, 192), Image.Resampling.BOX), float)
            assert np.abs(np.asarray(small, float) - expected).mean() < 6


def test_small_raw_packs_have_no_thumbnails(tmp_path: Path):
    inspected(folders({"a": 6, "b": 6}), tmp_path)
    assert not (tmp_path / "out" / "thumbnails.bin").exists()


def test_sizes_of_images_and_boxes_are_counted(tmp_path: Path):
    drawn = scenes.draw(20, seed=7, size=(48, 64))
    found, result = inspected(layouts.coco(drawn), tmp_path, task="detection")
    assert result.manifest is not None
    sides = np.sort(np.concatenate([np.sqrt(np.prod(s.boxes[:, 2:] - s.boxes[:, :2], axis=1)) for s in drawn]))
    assert found.box_sizes is not None
    assert sum(found.box_sizes.counts) == len(sides)
    assert abs(found.box_sizes.smallest_tenth - sides[int(np.ceil(0.1 * len(sides))) - 1]) <= 0.5
    assert (found.image_sizes.median, sum(found.image_sizes.counts)) == (48, 20)
    assert found.alike_classes is None


def test_left_out_pictures_are_shown_where_they_can_be_read(tmp_path: Path):
    """A copy of a test picture in train, and a damaged file."""
    files = split_set() | {"train/a/leak.png": png(2000), "train/a/broken.png": png(77)[:300]}
    found, result = inspected(files, tmp_path)
    assert result.report.skipped == 2
    shown = {missing.path: missing for missing in found.left_out}
    assert shown["train/a/broken.png"].thumbnail is None
    leak = shown["train/a/leak.png"]
    assert leak.code == "duplicate_across_splits"
    assert leak.thumbnail is not None
    with Image.open(io.BytesIO(base64.b64decode(leak.thumbnail.partition(",")[2]))) as small:
        assert np.abs(np.asarray(small, float) - np.asarray(drawing(2000), float)).mean() < 8


def test_sixteen_bit_pictures_are_compared_and_shown_by_their_final_pixels(tmp_path: Path):
    files = {}
    for number in range(12):
        gray = np.asarray(drawing(number, side=300).convert("L"), np.uint16) * 8
        files[f"{number % 2}/{number}.png"] = encode(gray)
    twin = np.asarray(drawing(0, side=300).convert("L"), np.uint16) * 7 + 60
    found, _ = inspected(files | {"1/twin.png": encode(twin)}, tmp_path)
    assert found.near_duplicates.pairs["contradiction"] == 1
    content = (tmp_path / "out" / "thumbnails.bin").read_bytes()
    ends = np.frombuffer(content, OFFSET, 14)
    with Image.open(io.BytesIO(content[ends[0] : ends[1]])) as small:
        assert np.asarray(small).std() > 20


def test_refused_archive_leaves_no_inspection(tmp_path: Path):
    run_ingest(zipped({"a/1.png": png(1)}), tmp_path)
    assert not (tmp_path / "out" / "inspection.json").exists()
