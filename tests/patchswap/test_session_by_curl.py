"""The session of docs/curl.md, as it is printed, by bash against a real `up`."""

from __future__ import annotations

import os
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from patchswap.demo import digits
from tests.servers.up import Up

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_session_by_curl_ends_with_the_bundle(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    (session,) = re.findall(r"```bash\n(.*?)```", (ROOT / "docs" / "curl.md").read_text(), re.DOTALL)
    assert '"epochs": 100' in session
    session = session.replace('"epochs": 100', '"epochs": 20')
    digits.write(tmp_path / "digits.zip")
    up = Up(data_dir)
    up.wait_until_ready()
    variables = os.environ | {"PATCHSWAP_DATA_DIR": str(data_dir)}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", session],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=variables,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert "image_folder 1797 0" in done.stdout
    assert '"status":"succeeded"' in done.stdout
    assert "int8 succeeded" in done.stdout
    with zipfile.ZipFile(tmp_path / "digits-int8.zip") as bundle:
        assert bundle.testzip() is None
    assert (tmp_path / "digits-int8" / "verify.py").is_file()
    assert up.stop() == 0
