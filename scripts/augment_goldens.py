#!/usr/bin/env python3
"""What: writes testdata/augment: small pictures, and what Pillow and OpenCV make of them.

The Go package train/augment has to make the same pictures. Each operation is done here at
fixed magnitudes as the network's original trainer does it: with Pillow, and with OpenCV
where that trainer uses OpenCV (hsv, turn). The 25 policies are done with both steps taken.

    input/NAME.png   a source: two colour pictures and a glyph, drawn here from a fixed
                     seed with whole-number arithmetic
    want/NAME.png    all results for that source, one below the other
    cases.json       what was done: op, input, args, and where in want/NAME.png the result
                     lies: top, width, height

The output is the same, byte for byte, at every run with the pinned packages.

How to run, from the repository's root:
    python3 -m venv venv
    venv/bin/pip install pillow==12.3.0 opencv-python-headless==4.10.0.84 numpy==2.4.6
    venv/bin/python scripts/augment_goldens.py testdata/augment
"""

import json
import pathlib
import random
import sys

import cv2
import numpy as np
import PIL
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

PINS = {"Pillow": (PIL.__version__, "12.3.0"), "OpenCV": (cv2.__version__, "4.10.0")}
SEED = 20240611
GREY = (128, 128, 128)
WHITE = (255, 255, 255)


# --- the operations --------------------------------------------------------

def affine(image, data, resample, fill):
    return image.transform(image.size, Image.Transform.AFFINE, data, resample, fillcolor=fill)


def rotate(image, degrees):
    """Grey enters through the alpha plane, as the original does it."""
    turned = image.convert("RGBA").rotate(degrees)
    return Image.composite(turned, Image.new("RGBA", turned.size, (128,) * 4), turned).convert("RGB")


def resized_crop(image, x, y, crop_width, crop_height, width, height):
    box = (x, y, x + crop_width, y + crop_height)
    return image.crop(box).resize((width, height), Image.Resampling.BILINEAR)


def place(image, scaled_width, scaled_height, x, y, width, height):
    out = Image.new("RGB", (width, height), GREY)
    out.paste(image.resize((scaled_width, scaled_height), Image.Resampling.BICUBIC), (x, y))
    return out


def turn(image, degrees):
    w, h = image.size
    matrix = cv2.getRotationMatrix2D((w / 2, h / 2), degrees, 1)
    return Image.fromarray(cv2.warpAffine(np.array(image), matrix, (w, h), borderValue=[128, 128, 128]))


def hsv(image, *gains):
    planes = cv2.split(cv2.cvtColor(np.array(image), cv2.COLOR_RGB2HSV))
    x = np.arange(0, 256, dtype=np.float64)
    tables = [(x * gains[0]) % 180, np.clip(x * gains[1], 0, 255), np.clip(x * gains[2], 0, 255)]
    planes = [cv2.LUT(plane, table.astype(np.uint8)) for plane, table in zip(planes, tables)]
    return Image.fromarray(cv2.cvtColor(cv2.merge(planes), cv2.COLOR_HSV2RGB))


BICUBIC, BILINEAR = Image.Resampling.BICUBIC, Image.Resampling.BILINEAR

OPERATIONS = {
    "shearX": lambda i, m: affine(i, (1, m, 0, 0, 1, 0), BICUBIC, GREY),
    "rotate": rotate,
    "color": lambda i, f: ImageEnhance.Color(i).enhance(f),
    "contrast": lambda i, f: ImageEnhance.Contrast(i).enhance(f),
    "sharpness": lambda i, f: ImageEnhance.Sharpness(i).enhance(f),
    "posterize": lambda i, bits: ImageOps.posterize(i, int(bits)),
    "solarize": ImageOps.solarize,
    "autocontrast": lambda i, _: ImageOps.autocontrast(i),
    "equalize": lambda i, _: ImageOps.equalize(i),
    "invert": lambda i, _: ImageOps.invert(i),
    "flip": lambda i: i.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "affine": lambda i, *data: affine(i, data, BILINEAR, WHITE),
    "thicken": lambda i, radius: i.filter(ImageFilter.MinFilter(2 * radius + 1)),
    "thin": lambda i, radius: i.filter(ImageFilter.MaxFilter(2 * radius + 1)),
    "resized_crop": resized_crop,
    "place": place,
    "turn": turn,
    "hsv": hsv,
}

# AutoAugment's ImageNet policies: (operation, magnitude index) twice, without chances.
POLICIES = [
    [("posterize", 8), ("rotate", 9)], [("solarize", 5), ("autocontrast", 5)], [("equalize", 8), ("equalize", 3)],
    [("posterize", 7), ("posterize", 6)], [("equalize", 7), ("solarize", 4)],
    [("equalize", 4), ("rotate", 8)], [("solarize", 3), ("equalize", 7)], [("posterize", 5), ("equalize", 2)],
    [("rotate", 3), ("solarize", 8)], [("equalize", 8), ("posterize", 6)],
    [("rotate", 8), ("color", 0)], [("rotate", 9), ("equalize", 2)], [("equalize", 7), ("equalize", 8)],
    [("invert", 4), ("equalize", 8)], [("color", 4), ("contrast", 8)],
    [("rotate", 8), ("color", 2)], [("color", 8), ("solarize", 7)], [("sharpness", 7), ("invert", 8)],
    [("shearX", 5), ("equalize", 9)], [("color", 0), ("equalize", 3)],
    [("equalize", 7), ("solarize", 4)], [("solarize", 5), ("autocontrast", 5)], [("invert", 4), ("equalize", 8)],
    [("color", 4), ("contrast", 8)], [("equalize", 8), ("equalize", 3)],
]

MAGNITUDES = {
    "shearX": np.linspace(0, 0.3, 10),
    "rotate": np.linspace(0, 30, 10),
    "color": np.linspace(0.0, 0.9, 10),
    "contrast": np.linspace(0.0, 0.9, 10),
    "sharpness": np.linspace(0.0, 0.9, 10),
    "posterize": np.round(np.linspace(8, 4, 10), 0).astype(int),
    "solarize": np.linspace(256, 0, 10),
}
SIGNED = {"shearX", "rotate"}
ENHANCEMENTS = {"color", "contrast", "sharpness"}


def policy(image, number, sign):
    for name, index in POLICIES[number]:
        magnitude = MAGNITUDES[name][index] if name in MAGNITUDES else 0
        if name in SIGNED:
            magnitude = magnitude * sign
        if name in ENHANCEMENTS:
            magnitude = 1 + magnitude * sign
        image = OPERATIONS[name](image, magnitude)
    return image


OPERATIONS["policy"] = policy


# --- the sources -----------------------------------------------------------

def zigzag(n, period):
    """0..255..0, a triangle wave."""
    n = n % period
    return min(n, period - n) * 510 // period


def scene(width, height):
    """Every colour from dark to light, hard edges and a little noise."""
    noise = random.Random(SEED).randbytes(width * height)
    image = Image.frombytes("RGB", (width, height), bytes(
        level
        for y in range(height) for x in range(width)
        for level in (zigzag(11 * x + y, 230), zigzag(9 * y + x * x // 8, 310), zigzag(7 * (x + y) + noise[y * width + x] // 32, 190))
    ))
    draw = ImageDraw.Draw(image)
    draw.ellipse((3, 4, 12, 15), fill=(240, 30, 40))
    draw.rectangle((width - 9, 2, width - 4, 10), fill=(90, 90, 90))
    draw.line((0, height - 2, width, height // 2), fill=(10, 20, 10), width=2)
    return image


def dusk(width, height):
    """Few, dull levels, so that there is something to stretch."""
    return Image.frombytes("RGB", (width, height), bytes(
        level
        for y in range(height) for x in range(width)
        for level in (60 + 2 * x, 70 + x + y, 150 - 3 * y + (x * y) % 7)
    ))


def glyph(side):
    """A stroke drawing as Omniglot's characters are."""
    image = Image.new("RGB", (side, side), WHITE)
    draw = ImageDraw.Draw(image)
    draw.line((30, 18, 74, 25, 33, 62, 82, 80), fill=0, width=3)
    draw.arc((40, 40, 95, 95), 10, 250, fill=0, width=2)
    return image


# --- what is written -------------------------------------------------------

COMMON = [
    ("shearX", 0.3), ("shearX", -1 / 6), ("rotate", 30), ("rotate", -80 / 3), ("rotate", 10), ("rotate", 0),
    ("color", 0.1), ("color", 1.0), ("color", 1.8), ("contrast", 0.2), ("contrast", 1.8),
    ("sharpness", 0.3), ("sharpness", 1.7),
    ("posterize", 4), ("posterize", 6), ("posterize", 8),
    ("solarize", 256), ("solarize", 256 - 5 * 256 / 9), ("solarize", 0),
    ("autocontrast", 0), ("equalize", 0), ("invert", 0), ("flip",),
    ("affine", 1, 0, 0, 0, 1, 0), ("affine", 1, 0, 2.25, 0, 1, -1.5), ("affine", 0.93, -0.21, 3.1, 0.17, 1.12, -2.4),
    ("affine", 1.31, 0.25, -7.3, -0.3, 0.88, 6.1),
    ("thicken", 1), ("thicken", 2), ("thin", 1),
    ("turn", -15), ("turn", 7), ("turn", 14),
    ("hsv", 1, 1, 1), ("hsv", 1.1, 1.7, 1.3), ("hsv", 0.9, 0.3, 0.7),
    ("resized_crop", 5, 3, 14, 18, 24, 24), ("resized_crop", 0, 0, 25, 25, 15, 21), ("resized_crop", 7, 2, 16, 16, 16, 16),
    ("place", 40, 31, -9, -4, 28, 28), ("place", 17, 20, 6, 5, 28, 28), ("place", 30, 12, -2, 9, 28, 28),
]


def cases(name):
    yield from COMMON
    if name == "scene":
        for number in range(len(POLICIES)):
            yield "policy", number, 1 if number % 2 else -1
    if name == "dusk":
        for number in range(len(POLICIES)):
            yield "policy", number, -1 if number % 2 else 1


def main():
    for package, (found, expected) in PINS.items():
        if found != expected:
            sys.exit(f"found {package} {found}, expected {expected}: the goldens depend on it")
    root = pathlib.Path(sys.argv[1])
    for folder in ("input", "want"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    written = []
    # 32 pixels are whole vectors: OpenCV rounds what is left of a row another way.
    for name, image in {"scene": scene(32, 26), "dusk": dusk(32, 28), "glyph": glyph(105)}.items():
        image.save(root / "input" / f"{name}.png", optimize=True)
        results = [(case, OPERATIONS[case[0]](image, *case[1:])) for case in cases(name)]
        size = (max(r.width for _, r in results), sum(r.height for _, r in results))
        sheet, top = Image.new("RGB", size), 0
        for (op, *args), result in results:
            sheet.paste(result, (0, top))
            written.append(dict(op=op, input=name, args=args, top=top, width=result.width, height=result.height))
            top += result.height
        sheet.save(root / "want" / f"{name}.png", optimize=True)
    lines = ",\n".join(json.dumps(case) for case in written)
    (root / "cases.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
