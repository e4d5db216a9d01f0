"""Builders of hostile archives: bombs, lies, links, escapes. Harmless here, for nothing in them is ever run."""

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

from tests.ingest.archives import (
    chunk,
    encode,
    exif,
    folders,
    npz,
    pixels,
    png,
    tarred,
    with_chunk,
    zipped,
    zipped_entries,
)

MANY = {"cat": 20, "dog": 20}  # one bad file among these stays under 5 %
FEW = {"cat": 5, "dog": 5}


def with_file(name: str, content: bytes) -> Callable[[], bytes]:
    """Forty sound images and one more file."""
    return lambda: zipped(folders(MANY) | {name: content})


def truncated_jpeg() -> bytes:
    return encode(pixels(99, side=96), "JPEG", quality=95)[:2000]


def bomb_entry() -> bytes:
    return with_file("cat/zeros.png", bytes(100_000_000))()


def bomb_of_many(count: int = 20) -> bytes:
    """No single entry is large enough to be looked at."""
    return zipped(folders(FEW) | {f"cat/z{number}.bmp": b"BM" + bytes(15_000_000) for number in range(count)})


def overlapping() -> bytes:
    """Fifield's idea: many entries of the directory stand for one stretch of the file."""
    file = bytearray(zipped({"cat/0.png": png(0), "dog/0.png": png(1)}, zipfile.ZIP_STORED))
    second = file.rindex(b"PK\x01\x02")
    file[second + 42 : second + 46] = struct.pack("<I", 4)  # its content now starts within the first entry
    return bytes(file)


def lying_directory(offset: int, value: int, *, size: str = "<I") -> Callable[[], bytes]:
    """A field of the last directory entry changed."""

    def build() -> bytes:
        file = bytearray(zipped(folders(MANY), zipfile.ZIP_STORED))
        struct.pack_into(size, file, file.rindex(b"PK\x01\x02") + offset, value)
        return bytes(file)

    return build


def lying_end() -> bytes:
    """The end record states a huge directory."""
    file = bytearray(zipped(folders(FEW)))
    struct.pack_into("<I", file, file.rindex(b"PK\x05\x06") + 12, 0xFFFFFFF0)
    return bytes(file)


def encrypted() -> bytes:
    file = bytearray(zipped(folders(FEW)))
    at = file.find(b"PK\x01\x02")
    while at >= 0:
        file[at + 8] |= 1
        at = file.find(b"PK\x01\x02", at + 4)
    return bytes(file)


def zip_symlink() -> bytes:
    link = zipfile.ZipInfo("cat/link.png")
    link.external_attr = 0o120777 << 16
    return zipped_entries([*folders(MANY).items(), (link, b"/etc/passwd")])


def zip_twins() -> bytes:
    return zipped_entries([*folders(FEW).items(), ("cat/0.png", png(77))])


def name_with_nul() -> bytes:
    return zipped(folders(MANY) | {"cat/aXb.png": png(90)}).replace(b"cat/aXb.png", b"cat/a\x00b.png")


def latin_names() -> bytes:
    file = zipped(folders({"caf_e": 5, "caf_a": 5, "tea": 5}))
    return file.replace(b"caf_e/", b"caf\xe9e/").replace(b"caf_a/", b"caf\xe9a/")


def tar_special(kind: bytes, name: str, target: str = "") -> Callable[[], bytes]:
    def build() -> bytes:
        header = tarfile.TarInfo(name)
        header.type = kind
        header.linkname = target
        return tarred(folders(MANY), extra=[header])

    return build


def tar_through_link() -> bytes:
    """A link to a folder outside, then a file by way of it."""
    link = tarfile.TarInfo("cat/out")
    link.type, link.linkname = tarfile.SYMTYPE, "../../../../tmp"
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(link)
        for name, content in (folders(MANY) | {"cat/out/evil.png": png(91)}).items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return file.getvalue()


def tar_header_bomb() -> bytes:
    """A long name of 100 MB, which tarfile would read in one piece."""
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 100_000_000
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(header.tobuf(tarfile.GNU_FORMAT))]
    parts += [packer.compress(b"a" * 10_000_000) for _ in range(10)]
    return b"".join([*parts, packer.flush()])


def tar_negative_size() -> bytes:
    file = bytearray(tarred(folders(FEW), mode="w"))
    file[124:136] = b"\xff" * 12  # base 256: minus one
    header = file[:148] + b" " * 8 + file[156:512]
    file[148:156] = b"%06o\x00 " % sum(header)
    return bytes(file)


def tar_pax_recursion() -> bytes:
    """Five thousand extended headers, one inside the other."""
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 0
    return header.tobuf(tarfile.USTAR_FORMAT) * 5_000 + tarred(folders(FEW), mode="w")


def tar_cut_between() -> bytes:
    """A tar that ends where one more entry should begin."""
    file = tarred(folders(MANY), mode="w")
    with tarfile.open(fileobj=io.BytesIO(file)) as archive:
        return file[: archive.getmembers()[-1].offset]


def tar_sparse() -> bytes:
    """A sparse file that claims eight gigabytes of nothing."""
    header = tarfile.TarInfo("cat/sparse.png")
    header.type = tarfile.GNUTYPE_SPARSE
    buffer = bytearray(header.tobuf(tarfile.GNU_FORMAT))
    buffer[483:495] = b"%011o\x00" % (8 << 30 if 8 << 30 < 8**11 else 8**11 - 1)
    buffer[148:156] = b" " * 8
    buffer[148:156] = b"%06o\x00 " % sum(buffer)
    return bytes(buffer) + tarred(folders(MANY), mode="w")


def gif(frames: int) -> bytes:
    first, *rest = [Image.fromarray(pixels(200 + n, channels=1)) for n in range(frames)]
    return encode(first, "GIF", save_all=True, append_images=rest)


def apng() -> bytes:
    first, second = (Image.fromarray(pixels(210 + n)) for n in range(2))
    return encode(first, "PNG", save_all=True, append_images=[second])


def text_bomb() -> bytes:
    return with_chunk(png(92), b"zTXt", b"c\x00\x00" + zlib.compress(bytes(50_000_000), 9))


def profile_bomb() -> bytes:
    return with_chunk(png(93), b"iCCP", b"p\x00\x00" + zlib.compress(bytes(50_000_000), 9))


def idat_bomb() -> bytes:
    """A small picture whose compressed pixels go on for 200 MB."""
    header = struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(bytes(200_000_000), 9))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


def sixteen_bit() -> Image.Image:
    return Image.fromarray(np.linspace(0, 65_535, 256, dtype=np.uint16).reshape(16, 16))


def modes() -> bytes:
    """Every mode once, each in a format that holds it."""
    colour = Image.fromarray(pixels(300))
    alpha = Image.fromarray(np.dstack([pixels(301), pixels(302, channels=1)]))
    return zipped(
        folders(MANY)
        | {
            "cat/gray.png": encode(pixels(303, channels=1)),
            "cat/bit.png": encode(colour.convert("1")),
            "cat/palette.png": encode(Image.fromarray(pixels(304)).quantize(16)),
            "cat/alpha.png": encode(alpha),
            "cat/gray_alpha.png": encode(alpha.convert("LA")),
            "cat/deep.png": encode(sixteen_bit()),
            "cat/cmyk.jpg": encode(Image.fromarray(pixels(305)).convert("CMYK"), "JPEG"),
            "cat/photo.webp": encode(pixels(306), "WEBP"),
            "cat/lossless.webp": encode(pixels(307), "WEBP", lossless=True),
            "cat/mask.webp": encode(alpha, "WEBP", exif=exif()),
            "cat/plain.bmp": encode(pixels(308), "BMP"),
            "cat/scan.tif": encode(pixels(309), "TIFF"),
            "cat/frame.gif": encode(Image.fromarray(pixels(310)).quantize(8), "GIF"),
        }
    )


def across_splits() -> bytes:
    same = png(500)
    return zipped(
        folders(FEW, prefix="train/") | folders({"cat": 2, "dog": 2}, prefix="test/", start=50)
        | {"train/cat/copy.png": same, "test/cat/copy.png": same}
    )  # fmt: skip


def only_copies() -> bytes:
    files = folders(FEW)
    return zipped({f"{split}/{name}": content for split in ("train", "test") for name, content in files.items()})


def object_array() -> bytes:
    return npz(images=np.zeros((4, 8, 8, 3), np.uint8), labels=np.array([{}, 1, "a", None], dtype=object))


def short_array() -> bytes:
    """An array whose header says a million images."""
    whole = io.BytesIO()
    np.save(whole, np.zeros((4, 8, 8, 3), np.uint8))
    content = whole.getvalue().replace(b"(4, 8, 8, 3), }        ", b"(99999, 8, 8, 3), }    ")
    labels = io.BytesIO()
    np.save(labels, np.arange(99_999) % 2)
    return zipped({"images.npy": content, "labels.npy": labels.getvalue()})


def html() -> bytes:
    return b"<html><script>alert(1)</script></html>"
