"""The machine's fonts that draw A to Z, one file a family, without near copies of each other."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from string import ascii_uppercase

import numpy as np
from PIL import Image, ImageDraw, ImageFont

FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts", "/Library/Fonts")
SUFFIXES = (".ttf", ".otf")
UPRIGHT = ("Regular", "Book", "Roman", "Medium", "Normal", "Light", "Bold")  # the first that a family has
LOOK_PX = 32
# Mean difference of the drawn alphabets, of 1. Below are clones (FreeSans, Liberation Sans) and other cuts of a face.
COPY_BELOW = 0.03
PICTURES = ("Dingbat", "D050000L", "Keyboard", "Math", "Symbol")  # families that draw other things in place of letters
PACKAGES = (
    "fontconfig fonts-adf-berenis fonts-adf-gillius fonts-adf-ikarius fonts-adf-mekanus fonts-adf-romande "
    "fonts-adf-universalis fonts-anonymous-pro fonts-b612 fonts-breip fonts-cabin fonts-cantarell fonts-cardo "
    "fonts-comfortaa fonts-comic-neue fonts-courier-prime fonts-crosextra-caladea fonts-crosextra-carlito "
    "fonts-dejavu-core fonts-dejavu-extra fonts-dosis fonts-dustin fonts-ebgaramond fonts-fantasque-sans "
    "fonts-firacode fonts-freefont-ttf fonts-gfs-didot fonts-goudybookletter fonts-hack fonts-inconsolata fonts-inter "
    "fonts-junction fonts-junicode fonts-karla fonts-lato fonts-league-spartan fonts-liberation fonts-linuxlibertine "
    "fonts-noto-core fonts-oldstandard fonts-open-sans fonts-paratype fonts-play fonts-prociono fonts-quattrocento "
    "fonts-quicksand fonts-roboto-slab fonts-roboto-unhinted fonts-sil-gentium-basic fonts-texgyre fonts-tuffy "
    "fonts-urw-base35 fonts-vollkorn fonts-yanone-kaffeesatz"
)


class TooFewFonts(Exception):
    """There are not enough families; the message says which packages bring them."""

    def __init__(self, found: int, needed: int) -> None:
        super().__init__(
            f"The glyphs need {needed} font families that draw A to Z, and {found} were found. On Debian:\n"
            f"apt-get install --no-install-recommends {PACKAGES}"
        )


def families(needed: int) -> dict[str, Path]:
    """So many families and a font file of each, in an order that hardly changes when fonts are added."""
    found = usable()
    if len(found) < needed:
        raise TooFewFonts(len(found), needed)
    return dict(list(found.items())[:needed])


@cache
def usable() -> dict[str, Path]:
    """All families that draw the alphabet and are no copy of an earlier one."""
    looks: dict[str, np.ndarray] = {}
    files: dict[str, Path] = {}
    for family, path in sorted(_by_family().items(), key=lambda one: sha256(one[0].encode()).digest()):
        look = alphabet(path)
        if look is None or any(np.abs(look - other).mean() < COPY_BELOW for other in looks.values()):
            continue
        looks[family], files[family] = look, path
    return files


def alphabet(path: Path) -> np.ndarray | None:
    """The 26 letters as drawn, centred, in 0..1; None where a letter is blank or two are the same (a symbol font)."""
    font = ImageFont.truetype(str(path), LOOK_PX * 3 // 4, layout_engine=ImageFont.Layout.BASIC)
    drawn = []
    for letter in ascii_uppercase:
        canvas = Image.new("L", (LOOK_PX, LOOK_PX))
        ImageDraw.Draw(canvas).text((LOOK_PX // 2, LOOK_PX // 2), letter, font=font, fill=255, anchor="mm")
        drawn.append(np.asarray(canvas, np.float32) / 255)
    distinct = len({letter.tobytes() for letter in drawn}) == len(ascii_uppercase)
    return np.stack(drawn) if distinct and all(letter.max() > 0.5 for letter in drawn) else None


def _by_family() -> dict[str, Path]:
    """Every family's file of the first upright style that it has."""
    best: dict[str, tuple[int, Path]] = {}
    for path in sorted(set(_files())):
        try:
            family, style = ImageFont.truetype(str(path), 12).getname()
        except OSError:  # not a font that FreeType reads: of no use here
            continue
        if family and style in UPRIGHT and not any(word in family for word in PICTURES):
            best[family] = min(best.get(family, (len(UPRIGHT), path)), (UPRIGHT.index(style), path))
    return {family: path for family, (_, path) in best.items()}


def _files() -> Iterator[Path]:
    if shutil.which("fc-list"):
        listed = subprocess.run(["fc-list", "--format", "%{file}\n"], capture_output=True, text=True, check=True)
        paths = map(Path, listed.stdout.splitlines())
    else:
        folders = (Path(folder).expanduser() for folder in FOLDERS)
        paths = (Path(base) / name for folder in folders for base, _, names in os.walk(folder) for name in names)
    return (path for path in paths if path.suffix.lower() in SUFFIXES)
