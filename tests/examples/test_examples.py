"""The examples prepare images as Pillow does, byte for byte, and say what infer.py says.

Need g++, node, npm and, for the page, Chromium (`apt install chromium`); for infer.cpp, Debian's next release.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from PIL import Image

from portable import preprocess
from tests.api import served
from tests.examples.ort import release
from tests.portable.test_infer import picture
from tests.trainer.export.bundled import PROGRAMS, infer

EXAMPLES = Path(__file__).parents[2] / "examples"
SIZES = [((33, 20), (9, 12)), ((7, 5), (24, 31)), ((1, 40), (12, 10)), ((40, 1), (12, 10)), ((12, 10), (10, 12))]
SIZES += [((21, 35), (12, 10)), ((90, 700), (12, 10))]  # tall ones, whose columns Pillow 13 would resize first
FITS = [{}, {"fit": "letterbox", "padding": 114}]
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


# Chooses a picture as a person would, and prints what the page says then.
PAGE = """
import puppeteer from "puppeteer-core";
const [chromium, address, picture] = process.argv.slice(2);
const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox"] });
const page = await browser.newPage();
page.on("pageerror", (error) => console.error(String(error)));
await page.goto(address);
const said = (words) => page.waitForFunction(
    (looked) => document.querySelector("pre").textContent.includes(looked), { timeout: 60000 }, words);
await said("choose a picture");
await (await page.$("input")).uploadFile(picture);
await said("top");
console.log(await page.$eval("pre", (shown) => shown.textContent));
await browser.close();
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
            for (size, target), fit in product(SIZES, FITS):
                image = picture(given, size)
                image.save(tmp_path / "image.ppm")
                stated = rules(mode, *target) | fit
                (tmp_path / "rules.json").write_text(json.dumps(stated, indent=2, sort_keys=True))
                command = [tmp_path / "check", "rules.json", "labels.json", "image.ppm"]
                done = subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
                assert done.stdout == expected(image, stated), (mode, given, size, target)
                assert done.stderr.decode().splitlines() == labels


def test_javascript_sees_images_as_the_network_was_trained_on_them(tmp_path: Path):
    (tmp_path / "check.mjs").write_text(NODE % EXAMPLES)
    for mode in ("RGB", "L"):
        for (size, target), fit in product(SIZES, FITS):
            image = picture("RGB", size)
            (tmp_path / "rgba").write_bytes(image.convert("RGBA").tobytes())
            stated = rules(mode, *target) | fit
            (tmp_path / "rules.json").write_text(json.dumps(stated))
            found = run("node", "check.mjs", "rules.json", "rgba", str(size[1]), str(size[0]), folder=tmp_path)
            assert found == expected(image, stated), (mode, size, target)


def bundled(folder: Path) -> Path:
    """A small network's bundle."""
    folder.mkdir()
    for name, content in PROGRAMS.items():
        (folder / name).write_bytes(content)
    served.network(folder / "model.onnx")
    (folder / "labels.json").write_text(json.dumps(served.LABELS))
    (folder / "preprocess.json").write_text(json.dumps(served.rules()))
    return folder


def same(found: list[dict], bundle: Path, image: Path) -> None:
    said = infer.open_bundle(bundle).answer(image, top=len(found))["top"]
    assert [guess["label"] for guess in found] == [guess["label"] for guess in said]
    assert np.allclose([g["probability"] for g in found], [g["probability"] for g in said], rtol=1e-4)


def test_the_cpp_program_says_what_infer_says(tmp_path: Path):
    ort = release(tmp_path / "ort")
    flags = ["-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror", f"-isystem{ort / 'include'}", f"-L{ort / 'lib'}"]
    run(
        "g++",
        *flags,
        EXAMPLES / "cpp" / "infer.cpp",
        "-lonnxruntime",
        f"-Wl,-rpath,{ort / 'lib'}",
        "-o",
        "infer",
        folder=tmp_path,
    )
    bundle = bundled(tmp_path / "bundle")
    images = [tmp_path / "wide.ppm", tmp_path / "thin.ppm"]
    for image, size in zip(images, ((30, 20), (1, 40)), strict=True):
        picture("RGB", size).save(image)
    lines = run(tmp_path / "infer", bundle, *images, folder=tmp_path).decode().splitlines()
    assert len(lines) == len(images)
    for line, image in zip(lines, images, strict=True):
        name, label, probability = line.split("\t")
        assert name == str(image)
        same([{"label": label, "probability": float(probability)}], bundle, image)
    refused = subprocess.run([tmp_path / "infer", bundle, bundle / "labels.json"], check=False, capture_output=True)
    assert refused.returncode == 1
    assert refused.stderr.startswith(b"infer: ")


def test_onnxruntime_web_says_what_infer_says(tmp_path: Path):
    run("npm", "install", "--no-audit", "--no-fund", "onnxruntime-web", folder=tmp_path)
    (tmp_path / "check.mjs").write_text(WEB % EXAMPLES)
    bundle = bundled(tmp_path / "bundle")
    image = picture("RGB", (30, 20))
    image.save(tmp_path / "image.png")
    (tmp_path / "rgba").write_bytes(image.convert("RGBA").tobytes())
    found = json.loads(run("node", "check.mjs", "bundle", "rgba", "20", "30", folder=tmp_path))
    same(found, bundle, tmp_path / "image.png")


def test_the_page_says_in_a_browser_what_infer_says(tmp_path: Path):
    shutil.copytree(EXAMPLES / "browser", tmp_path, dirs_exist_ok=True)
    run("npm", "install", "--no-audit", "--no-fund", "onnxruntime-web", "puppeteer-core", folder=tmp_path)
    (tmp_path / "check.mjs").write_text(PAGE)
    bundle = bundled(tmp_path / "bundle")
    turned = Image.Exif()
    turned[0x0112] = 6  # orientation: a quarter turn
    picture("RGB", (30, 20)).save(tmp_path / "image.png", exif=turned)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}/"
        page = run("node", "check.mjs", shutil.which("chromium") or "chromium", address, "image.png", folder=tmp_path)
    finally:
        server.shutdown()
    same(json.loads(page)["top"], bundle, tmp_path / "image.png")
