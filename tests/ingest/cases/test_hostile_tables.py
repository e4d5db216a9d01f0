"""Tables of strangers, as large as they may be: whatever they hold, reading them stays small."""

import io
import zipfile
from pathlib import Path

import pytest

from tests.ingest.archives import folders
from tests.ingest.test_main import MIB, run

LENGTH = 46 * MIB


def filled(head: bytes, pattern: bytes) -> bytes:
    return head + (pattern * (LENGTH // len(pattern)))


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("l.csv", lambda: filled(b"filename,label\n", b"a,b," * 2000 + b"\n")),
        ("l.csv", lambda: filled(b"filename,label\n", b"1,")),
        ("l.csv", lambda: filled(b"filename,a,b\n", b"cat/0.png,1,1\n")),
        ("l.csv", lambda: filled(b"filename,label\n", b"cat/0.png,1,1\n") + b"caf\xe9,1\n"),
        ("l.csv", lambda: filled(b"filename,label\n\x82", b"cat/caf\xb3.png,1\n")),
        ("l.csv", lambda: filled(b"filename,label\n", "\u4f60\u597d.png,1\n".encode("gbk"))),
        ("train.txt", lambda: filled(b"", b"cat/0.png\n")),
        ("metadata.jsonl", lambda: filled(b'{"file_name": "cat/0.png", "label": 1, "x": [', b"1,")),
        ("labels.json", lambda: filled(b'{"a": [', b"[],")),
    ],
    ids=["cells", "one_line", "rows", "latin_1_at_the_end", "code_page_850", "gbk", "list", "jsonl", "json"],
)
def test_large_tables_take_little_memory(path: str, content, tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, image in folders({"cat": 20, "dog": 20}).items():
            archive.writestr(name, image)
        archive.writestr(path, content())
    ended = run(file.getvalue(), tmp_path)
    assert ended.code in {0, 3}
    assert ended.peak_bytes < 200 * MIB
