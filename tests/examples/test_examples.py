"""The examples prepare images as Pillow does, byte for byte, and say what infer.py says. Need g++, node and npm."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.inference import preprocess
from tests.api import served
from tests.trainer.export.bundled import PROGRAMS, infer
from tests.trainer.export.portable.test_infer import picture

EXAMPLES = Path(__file__).parents[2] / "examples"
SIZES = [((33, 20), (9, 12)), ((7, 5), (24, 31)), ((1, 40), (12, 10)), ((40, 1), (12, 10)), ((12, 10), (10, 12))]
pytestmark = pytest.mark.slow

CPP = """
#include <cstdio>
#include "preprocess.hpp"
int main(int, char** arguments) {
    const Rules rules = read_rules(arguments[1]);
    for (const std::string& label : json_strings(read_file(arguments[2]))) std::fprintf(stderr, "%s\\n", label.c_str());
    const std::vector<float> input = to_input(read_pnm(arguments[3]), rules);
    std::fwrite(input.data(), sizeof(float), input.size(), stdout);
}
"""
NODE = """
import { readFileSync } from "node:fs";
import { toInput } from "%s/browser/preprocess.mjs";
const [rules, rgba, height, width] = process.argv.slice(2);
const input = toInput(readFileSync(rgba), Number(height), Number(width), JSON.parse(readFileSync(rules, "utf8")));
process.stdout.write(Buffer.from(input.buffer));
"""
WEB = """
import * as ort from "onnxruntime-web";
import { readFileSync } from "node:fs";
import { answer, toInput } from "%s/browser/preprocess.mjs";
const [bundle, rgba, height, width] = process.argv.slice(2);
const read = (name) => JSON.parse(readFileSync(`${bundle}/${name}`, "utf8"));
const rules = read("preprocess.json");
const input = toInput(readFileSync(rgba), Number(height), Number(width), rules);
const session = await ort.InferenceSession.create(readFileSync(`${bundle}/model.onnx`));
const shape = [1, rules.mean.length, rules.height, rules.width];
const outputs = await session.run({ image: new ort.Tensor("float32", input, shape) });
console.log(JSON.stringify(answer(outputs.logits.data, read("labels.json"), 3)));
"""


def rules(mode: str, height: int, width: int) -> dict:
    return served.rules(mode) | {"height": height, "width": width}


def run(*command: str | Path, folder: Path) -> bytes:
    done = subprocess.run(command, check=False, capture_output=True, cwd=folder)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def expected(image: Image.Image, stated: dict) -> bytes:
    return preprocess.to_input(image, stated).tobytes()


def test_cpp_sees_images_as_the_network_was_trained_on_them(tmp_path: Path):
    (tmp_path / "check.cpp").write_text(CPP)
    flags = ["-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off", f"-I{EXAMPLES / 'cpp'}"]
    run("g++", *flags, "check.cpp", "-o", "check", folder=tmp_path)
    labels = ["plain", 'quoted "so" \\ ', "ünïcode, with ] and ["]
    (tmp_path / "labels.json").write_text(json.dumps(labels, ensure_ascii=False, indent=2))
    for mode in ("RGB", "L"):
        for given in ("RGB", "L"):
            for size, target in SIZES:
                image = picture(given, size)
                image.save(tmp_path / "image.ppm")
                stated = rules(mode, *target)
                (tmp_path / "rules.json").write_text(json.dumps(stated, indent=2, sort_keys=True))
                command = [tmp_path / "check", "rules.json", "labels.json", "image.ppm"]
                done = subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
                assert done.stdout == expected(image, stated), (mode, given, size, target)
                assert done.stderr.decode().splitlines() == labels


def test_javascript_sees_images_as_the_network_was_trained_on_them(tmp_path: Path):
    (tmp_path / "check.mjs").write_text(NODE % EXAMPLES)
    for mode in ("RGB", "L"):
        for size, target in SIZES:
            image = picture("RGB", size)
            (tmp_path / "rgba").write_bytes(image.convert("RGBA").tobytes())
            stated = rules(mode, *target)
            (tmp_path / "rules.json").write_text(json.dumps(stated))
            found = run("node", "check.mjs", "rules.json", "rgba", str(size[1]), str(size[0]), folder=tmp_path)
            assert found == expected(image, stated), (mode, size, target)


def test_onnxruntime_web_says_what_infer_says(tmp_path: Path):
    run("npm", "install", "--no-audit", "--no-fund", "onnxruntime-web", folder=tmp_path)
    (tmp_path / "check.mjs").write_text(WEB % EXAMPLES)
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    for name, content in PROGRAMS.items():
        (bundle / name).write_bytes(content)
    served.network(bundle / "model.onnx")
    (bundle / "labels.json").write_text(json.dumps(served.LABELS))
    (bundle / "preprocess.json").write_text(json.dumps(served.rules()))
    image = picture("RGB", (30, 20))
    image.save(tmp_path / "image.png")
    (tmp_path / "rgba").write_bytes(image.convert("RGBA").tobytes())
    said = infer.Classifier(bundle).classify(tmp_path / "image.png", top=3)["top"]
    found = json.loads(run("node", "check.mjs", "bundle", "rgba", "20", "30", folder=tmp_path))
    assert [guess["label"] for guess in found] == [guess["label"] for guess in said]
    assert np.allclose([g["probability"] for g in found], [g["probability"] for g in said], rtol=1e-4)
