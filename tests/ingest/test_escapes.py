"""Nothing outside OUT is written, linked, moved or started, whatever an archive's names say."""

import os
import sys
from pathlib import Path

import pytest

from tests.ingest.corpus import CASES
from tests.ingest.packs import run_ingest

BY_NAME = {case.name: case for case in CASES}
CHANGES = {"os.mkdir", "os.rename", "os.link", "os.symlink", "os.remove", "os.rmdir", "subprocess.Popen", "os.exec"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Watch:
    """What Python opens for writing or changes in the file system while it is on. An audit hook cannot be taken off."""

    def __init__(self) -> None:
        self.on = False
        self.touched: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.on:
            return
        opened = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
        if opened or event in CHANGES:
            self.touched.append(str(arguments[0]))


WATCH = Watch()
NAMES = ["dot_dot", "absolute", "drive_letter", "backslash_dots", "tar_dot_dot", "tar_symlink", "tar_through_link"]


@pytest.mark.parametrize("name", [*NAMES, "zip_symlink", "tar_hardlink", "pickled_array", "other_files"])
def test_only_the_out_folder_is_touched(name: str, tmp_path: Path) -> None:
    archive = BY_NAME[name].build()
    WATCH.touched.clear()
    WATCH.on = True
    try:
        run_ingest(archive, tmp_path)
    finally:
        WATCH.on = False
    allowed = (str(tmp_path / "out"), str(tmp_path / "archive"))
    assert any(path.startswith(allowed) for path in WATCH.touched)
    assert [path for path in WATCH.touched if not path.startswith(allowed)] == []
