"""Odd and hostile archives, each with what ingest must say of it."""

import gzip
import os
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from tests.ingest.archives import encode, folders, npz, parquet, pixels, png, png_header_only, tarred, zipped
from tests.ingest.hostile import (
    FEW,
    MANY,
    across_splits,
    apng,
    bomb_entry,
    bomb_of_many,
    encrypted,
    gif,
    html,
    idat_bomb,
    latin_names,
    lying_directory,
    lying_end,
    modes,
    name_with_nul,
    object_array,
    only_copies,
    overlapping,
    profile_bomb,
    short_array,
    tar_cut_between,
    tar_header_bomb,
    tar_negative_size,
    tar_pax_recursion,
    tar_sparse,
    tar_special,
    tar_through_link,
    text_bomb,
    truncated_jpeg,
    with_file,
    zip_symlink,
    zip_twins,
)


@dataclass(frozen=True)
class Case:
    name: str
    build: Callable[[], bytes]
    ready: bool
    codes: frozenset[str]  # that must be among the findings
    accepted: int | None = None
    limits: Mapping[str, int] = field(default_factory=dict)


def good(name: str, build: Callable[[], bytes], *codes: str, accepted: int | None = None, **limits: int) -> Case:
    return Case(name, build, ready=True, codes=frozenset(codes), accepted=accepted, limits=limits)


def bad(name: str, build: Callable[[], bytes], *codes: str, **limits: int) -> Case:
    return Case(name, build, ready=False, codes=frozenset(codes), limits=limits)


CASES = [
    bad("empty_file", lambda: b"", "archive_empty"),
    bad("text", lambda: b"hello " * 200, "not_an_archive"),
    bad("random_bytes", lambda: pixels(1, side=64).tobytes(), "not_an_archive"),
    bad("rar", lambda: b"Rar!\x1a\x07\x01\x00" + bytes(600), "archive_unsupported"),
    bad("pickle", lambda: b"\x80\x04\x95" + bytes(600), "archive_unsupported"),
    bad("empty_zip", lambda: zipped({}), "archive_empty"),
    bad("empty_tar", lambda: tarred({}, mode="w"), "archive_empty"),
    bad("empty_tar_gz", lambda: tarred({}), "archive_empty"),
    bad("gzip_of_text", lambda: gzip.compress(b"hello " * 500), "tar_damaged"),
    bad("only_text", lambda: zipped({"cat/a.txt": b"a"}), "no_images"),
    good("nested_zip", lambda: zipped({"in.zip": zipped(folders(FEW))}), "nested_zip", accepted=10),
    bad("nested_tar", lambda: zipped({"in.tar": tarred(folders(FEW))}), "no_images"),
    bad("flat", lambda: zipped({f"{n}.png": png(n) for n in range(9)}), "no_images"),
    bad("one_class", lambda: zipped(folders({"cat": 9})), "one_class"),
    good("class_of_one", lambda: zipped(folders({"cat": 9, "dog": 1})), "class_single_image", accepted=10),
    bad("two_a_class", lambda: zipped(folders({"cat": 2, "dog": 2})), "nothing_held_out"),
    bad("truncated_zip", lambda: zipped(folders(FEW))[:-200], "zip_damaged"),
    bad("half_a_zip", lambda: zipped(folders(FEW))[:2000], "zip_damaged"),
    bad("truncated_tar", lambda: tarred(folders(FEW), mode="w")[:5000], "tar_damaged"),
    bad("tar_cut_between", tar_cut_between, "tar_damaged"),
    bad("truncated_tar_gz", lambda: tarred(folders(FEW))[:-900], "tar_damaged"),
    good("truncated_jpeg", with_file("cat/t.jpg", truncated_jpeg()), "image_truncated", accepted=40),
    good("truncated_png", with_file("cat/t.png", png(95)[:300]), "image_truncated", accepted=40),
    bad(
        "many_truncated",
        lambda: zipped(folders(FEW) | {"cat/t.jpg": truncated_jpeg()}),
        "image_truncated",
        "too_many_bad_images",
    ),
    bad("zip_bomb", bomb_entry, "archive_bomb"),
    bad("zip_bomb_of_many", lambda: bomb_of_many(3), "archive_bomb", total_ratio_floor_bytes=30_000_000),
    good(
        "flat_images_are_no_bomb",
        lambda: zipped(
            folders(FEW) | {f"cat/flat{n}.bmp": encode(np.full((512, 512, 3), n, np.uint8), "BMP") for n in range(5)}
        ),
        accepted=15,
    ),
    bad("overlapping", overlapping, "archive_bomb"),
    bad(
        "too_many_entries",
        lambda: zipped({f"cat/{n}.png": b"" for n in range(300)}),
        "too_many_entries",
        entries=200,
    ),
    bad(
        "too_many_tar_entries",
        lambda: tarred({f"cat/{n}.png": b"" for n in range(300)}),
        "too_many_entries",
        entries=200,
    ),
    bad("too_many_bytes", lambda: zipped(folders(FEW)), "archive_too_large", unpacked_bytes=3000),
    good(
        "file_too_large",
        with_file("cat/big.png", png(96, side=200)),
        "file_too_large",
        accepted=40,
        entry_bytes=20_000,
    ),
    good("understated_size", lying_directory(24, 10), "entry_damaged", accepted=39),
    good("overstated_size", lying_directory(24, 0x7FFFFFFF)),
    bad("overstated_packed_size", lying_directory(20, 0x7FFFFFFF), "zip_damaged"),
    good("wrong_crc", lying_directory(16, 12345), "entry_damaged", accepted=39),
    bad("bzip2_entry", lambda: zipped(folders(FEW), zipfile.ZIP_BZIP2), "entry_damaged", "too_many_bad_images"),
    bad("lying_end_record", lying_end, "zip_damaged"),
    bad("encrypted", encrypted, "encrypted", "too_many_bad_images"),
    good("dot_dot", with_file("../../evil.png", png(90)), "unsafe_name", accepted=40),
    good("absolute", with_file("/tmp/evil.png", png(90)), "unsafe_name", accepted=40),
    good("drive_letter", with_file("C:\\evil.png", png(90)), "unsafe_name", accepted=40),
    good("backslash_dots", with_file("cat\\..\\..\\evil.png", png(90)), "unsafe_name", accepted=40),
    good("nul_in_name", name_with_nul, "unsafe_name", accepted=40),
    good("long_name", with_file("cat/" + "a" * 2000 + ".png", png(90)), "unsafe_name", accepted=40),
    good("control_characters", with_file("cat/a\x1b[31m\u202egnp.png", png(90)), accepted=41),
    good("tar_dot_dot", lambda: tarred(folders(MANY) | {"../evil.png": png(90)}), "unsafe_name", accepted=40),
    good("zip_symlink", zip_symlink, "not_a_regular_file", accepted=40),
    good("tar_symlink", tar_special(tarfile.SYMTYPE, "cat/l.png", "/etc/passwd"), "not_a_regular_file", accepted=40),
    good("tar_hardlink", tar_special(tarfile.LNKTYPE, "cat/l.png", "cat/0.png"), "not_a_regular_file", accepted=40),
    good("tar_device", tar_special(tarfile.CHRTYPE, "cat/null.png"), "not_a_regular_file", accepted=40),
    good("tar_fifo", tar_special(tarfile.FIFOTYPE, "cat/pipe.png"), "not_a_regular_file", accepted=40),
    good("tar_through_link", tar_through_link, "not_a_regular_file", accepted=41),
    good("tar_sparse", tar_sparse, "not_a_regular_file", accepted=40),
    bad("tar_header_bomb", tar_header_bomb, "tar_damaged"),
    bad("tar_negative_size", tar_negative_size, "tar_damaged"),
    bad("tar_pax_recursion", tar_pax_recursion, "tar_damaged"),
    good("twin_names", zip_twins, "duplicate_name", accepted=10),
    good("latin_names", latin_names, "name_not_utf8", accepted=15),
    good("huge_png", with_file("cat/huge.png", png_header_only(50_000, 50_000)), "too_many_pixels", accepted=40),
    good("large_png", with_file("cat/large.png", png_header_only(9_000, 9_000)), "too_many_pixels", accepted=40),
    good("thin_png", with_file("cat/thin.png", png_header_only(2**31 - 1, 1)), "too_many_pixels", accepted=40),
    good("idat_bomb", with_file("cat/idat.png", idat_bomb())),
    good("text_bomb", with_file("cat/text.png", text_bomb()), accepted=41),
    good("profile_bomb", with_file("cat/profile.png", profile_bomb()), accepted=41),
    good("animated_gif", with_file("cat/a.gif", gif(50)), "first_frame_only", accepted=41),
    good("animated_png", with_file("cat/a.png", apng()), "first_frame_only", accepted=41),
    good(
        "svg_as_png", with_file("cat/s.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>"), "not_an_image", accepted=40
    ),
    good("html_as_png", with_file("cat/h.png", html()), "not_an_image", accepted=40),
    good("empty_image", with_file("cat/e.png", b""), "file_empty", accepted=40),
    good("fits_as_png", with_file("cat/f.png", b"SIMPLE  =                    T"), "not_an_image", accepted=40),
    good("polyglot", with_file("cat/p.png", png(97) + zipped({"x": b"y"})), accepted=41),
    good("tiny_image", with_file("cat/tiny.png", png(98, side=7)), "image_too_small", accepted=40),
    good("all_modes", modes, "alpha_dropped", "depth_reduced", "colours_converted", accepted=53),
    good(
        "float_pixels",
        with_file("cat/f.tif", encode(Image.fromarray(pixels(1, channels=1).astype(np.float32)), "TIFF")),
        "unsupported_pixels",
        accepted=40,
    ),
    good(
        "junk",
        lambda: zipped(folders(FEW) | {"__MACOSX/cat/._0.png": b"x", "cat/.DS_Store": b"x", "cat/Thumbs.db": b"x"}),
        "junk_ignored",
        accepted=10,
    ),
    good(
        "nested_folders",
        lambda: zipped(folders({"cat/persian": 5, "cat/tabby": 5, "dog": 5})),
        "nested_folders",
        accepted=15,
    ),
    good(
        "other_files",
        lambda: zipped(folders(FEW) | {"readme.txt": b"x", "model.pt": b"\x80\x02."}),
        "file_ignored",
        accepted=10,
    ),
    good("case_clash", lambda: zipped(folders({"Cat": 5, "cat": 5})), "class_names_alike", accepted=10),
    good("across_splits", across_splits, "duplicate_across_splits", accepted=15),
    bad("only_copies", only_copies, "no_training_images"),
    good(
        "conflicting_labels",
        lambda: zipped(folders(FEW) | {"cat/x.png": png(400), "dog/x.png": png(400)}),
        "conflicting_labels",
    ),
    bad(
        "too_many_classes",
        lambda: zipped(folders({str(n): 1 for n in range(30)})),
        "too_many_classes",
        classes=20,
    ),
    bad("pickled_array", object_array, "array_of_objects"),
    bad("short_array", short_array, "array_damaged"),
    bad("float_array", lambda: npz(images=np.zeros((4, 8, 8, 3), np.float32), labels=np.arange(4)), "array_type"),
    bad(
        "multi_label_array",
        lambda: npz(images=np.zeros((4, 8, 8, 3), np.uint8), labels=np.zeros((4, 14))),
        "array_shape",
    ),
    bad("strange_arrays", lambda: npz(a=np.zeros(3), b=np.zeros(3), c=np.zeros(3)), "arrays_unknown"),
    bad(
        "bomb_array",
        lambda: npz(images=np.zeros((60_000, 32, 32, 3), np.uint8), labels=np.arange(60_000) % 2),
        "archive_bomb",
    ),
    bad("truncated_parquet", lambda: parquet({"image": [png(0)], "label": [0]})[:-20], "parquet_damaged"),
    bad("parquet_without_images", lambda: parquet({"a": [1], "label": [0]}), "no_image_column"),
    bad("parquet_without_labels", lambda: parquet({"image": [png(0)], "a": [1], "b": [2]}), "no_label_column"),
    bad("noise_as_npz", lambda: zipped({"images.npy": os.urandom(500), "labels.npy": b""}), "array_damaged"),
]
