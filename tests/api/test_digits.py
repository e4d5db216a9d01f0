"""The demo's data at /ui/digits.npz."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from patchswap.demo import digits
from tests.api.serving import Server


def test_what_the_service_hands_out_is_what_the_demo_trains_on(server: Server, tmp_path: Path):
    answer = httpx.get(f"{server.url}/ui/digits.npz", trust_env=False)
    assert answer.status_code == 200
    found = np.load(io.BytesIO(answer.content), allow_pickle=False)
    counts = digits.write(tmp_path / "digits.zip")
    with zipfile.ZipFile(tmp_path / "digits.zip") as archive:
        for split, count in counts.items():
            paths = [name for name in archive.namelist() if f"/{split}/" in name]
            images = np.stack([np.asarray(Image.open(archive.open(path))) for path in paths])
            np.testing.assert_array_equal(found[f"{split}_images"], images)
            assert found[f"{split}_labels"].tolist() == [int(path.split("/")[-2]) for path in paths]
            assert count == len(paths)
    again = httpx.get(f"{server.url}/ui/digits.npz", headers={"If-None-Match": answer.headers["ETag"]}, trust_env=False)
    assert again.status_code == 304
