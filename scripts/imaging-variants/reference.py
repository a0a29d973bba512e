"""What: the picture that the reference makes of an image, and the list of cases, for
the scripts beside this one. Each makes one folder of testdata/imaging/variants.

How to run, from the repository's root:
    python3 -m venv venv && venv/bin/pip install pillow==12.3.0 numpy
    venv/bin/python scripts/imaging-variants/NAME.py
"""

import io
import json
import pathlib

import PIL
from PIL import Image, ImageFile, ImageOps

PILLOW = "12.3.0"
assert PIL.__version__ == PILLOW, f"Pillow is {PIL.__version__}, expected {PILLOW}"
ROOT = pathlib.Path(__file__).resolve().parents[2] / "testdata/imaging/variants"


def upright_rgb(data):
    """Encoded image -> upright RGB on white, as Pillow has it."""
    image = Image.open(io.BytesIO(data))
    image.load()
    image = ImageOps.exif_transpose(image)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        paper = Image.new("RGB", image.size, (255, 255, 255))
        paper.paste(image, mask=image.getchannel("A"))
        return paper
    return image.convert("RGB")


class Folder:
    """A folder of variants that is written anew."""

    def __init__(self, name):
        self.path = ROOT / name
        self.path.mkdir(parents=True, exist_ok=True)
        for old in self.path.iterdir():
            old.unlink()
        self.cases = []

    def show(self, name, data, format, variant, mean=0, want=None, by=None):
        """A file that is shown. want: the reference's picture where it is not Pillow's."""
        want = want or upright_rgb(data)
        (self.path / name).write_bytes(data)
        want_name = f"{name}.want.png"
        want.save(self.path / want_name, optimize=True)
        case = {"input": name, "format": format, "variant": variant, "want": want_name}
        if by:
            case["by"] = by
        if mean:
            case["mean"] = mean
        self.cases.append(case)

    def refuse(self, name, data, format, variant, words):
        """A file that is refused, by an error with these words."""
        (self.path / name).write_bytes(data)
        self.cases.append({"input": name, "format": format, "variant": variant, "refused": words})

    def close(self):
        """Writes the list of cases."""
        (self.path / "cases.json").write_text(json.dumps(self.cases, indent=1, ensure_ascii=False) + "\n")
