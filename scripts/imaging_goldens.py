#!/usr/bin/env python3
"""What: writes testdata/imaging: small images, and the pictures that Pillow makes of them.

The Go package imaging has to make the same pictures. What this script does with
an image (rgb, shorter_side, letterbox) is the deterministic preprocessing of the
network's original trainer; transparency on white and the EXIF orientation are ours.
All images are drawn here from a fixed seed with whole-number arithmetic; the
output is the same, byte for byte, at every run with the pinned Pillow.

How to run, from the repository's root:
    python3 -m venv venv && venv/bin/pip install pillow==12.3.0
    venv/bin/python scripts/imaging_goldens.py testdata/imaging
"""

import json
import pathlib
import random
import struct
import sys
import zlib

import PIL
from PIL import Image, ImageDraw, ImageOps

PILLOW = "12.3.0"
SEED = 20240105
SIDE = 105
WHITE = (255, 255, 255)
GREY = (128, 128, 128)


# --- the reference ---------------------------------------------------------

def rgb(image, alpha):
    """Decoded image -> upright RGB. alpha: "white" composites, "drop" ignores."""
    image = ImageOps.exif_transpose(image)
    see_through = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    if see_through:
        image = image.convert("RGBA")
    if see_through and alpha == "white":
        paper = Image.new("RGB", image.size, WHITE)
        paper.paste(image, mask=image.getchannel("A"))
        return paper
    return image.convert("RGB")


def shorter_side(image, width, height):
    if width != height:
        return image.resize((width, height), Image.Resampling.BILINEAR)
    side = width
    w, h = image.size
    if min(w, h) != side:
        size = (side, int(side * h / w)) if w < h else (int(side * w / h), side)
        image = image.resize(size, Image.Resampling.BILINEAR)
    w, h = image.size
    left, top = round((w - side) / 2), round((h - side) / 2)
    return image.crop((left, top, left + side, top + side))


def letterbox(image, width, height):
    w, h = image.size
    scale = min(width / w, height / h)
    size = (int(w * scale), int(h * scale))
    out = Image.new("RGB", (width, height), GREY)
    out.paste(image.resize(size, Image.Resampling.BICUBIC), ((width - size[0]) // 2, (height - size[1]) // 2))
    return out


RULES = {"shorter-side": shorter_side, "letterbox": letterbox}


# --- the images ------------------------------------------------------------

def zigzag(n, period):
    """0..255..0, a triangle wave."""
    n = n % period
    return min(n, period - n) * 510 // period


def scene(width, height, seed=0):
    """Smooth colour, hard edges and a little noise."""
    rnd = random.Random(SEED + seed)
    image = Image.new("RGB", (width, height))
    noise = rnd.randbytes(width * height)
    image.putdata([
        (zigzag(3 * x + y, 230), zigzag(2 * y + x * x // 40, 310), zigzag(5 * (x + y) // 2 + noise[y * width + x] // 64, 190))
        for y in range(height) for x in range(width)
    ])
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        x, y = rnd.randrange(width), rnd.randrange(height)
        draw.ellipse((x, y, x + width // 5, y + height // 4), fill=tuple(rnd.randbytes(3)))
        draw.line((x, y, rnd.randrange(width), rnd.randrange(height)), fill=tuple(rnd.randbytes(3)), width=2)
    return image


def noise(width, height):
    return Image.frombytes("RGB", (width, height), random.Random(SEED).randbytes(width * height * 3))


def glyph(width, height, seed=0):
    """A stroke drawing of one bit, as Omniglot's characters are."""
    rnd = random.Random(SEED + 100 + seed)
    image = Image.new("1", (width, height), 1)
    points = [(rnd.randrange(width), rnd.randrange(height)) for _ in range(7)]
    ImageDraw.Draw(image).line(points, fill=0, width=max(2, width // 40))
    return image


def veil(width, height):
    """An alpha plane with every level, and corners of none and of full."""
    plane = Image.new("L", (width, height))
    plane.putdata([zigzag(4 * x + 3 * y, 400) for y in range(height) for x in range(width)])
    draw = ImageDraw.Draw(plane)
    draw.rectangle((0, 0, width // 4, height // 4), fill=0)
    draw.rectangle((width // 2, height // 2, width, height), fill=255)
    return plane


def with_alpha(mode, width, height):
    image = scene(width, height, 7).convert("L" if mode == "LA" else "RGB")
    image.putalpha(veil(width, height))
    return image


def paletted(width, height, colors=32):
    return scene(width, height, 9).quantize(colors)


# --- what is written -------------------------------------------------------

class Corpus:
    def __init__(self, root):
        self.root = root
        self.cases = []
        self.pictures = {}  # pixels -> file: equal pictures are written once
        for folder in ("input", "want"):
            (root / folder).mkdir(parents=True, exist_ok=True)
            for old in (root / folder).iterdir():
                old.unlink()

    def image(self, name, image, **options):
        """Encodes an input file, named with its format's suffix."""
        image.save(self.root / "input" / name, **options)
        return name

    def want(self, name, rule="shorter-side", alpha="white", width=SIDE, height=SIDE, decoder="exact", source=None):
        """Adds a case. decoder "exact": both sides decode to the same pixels; "lossy": close ones."""
        with Image.open(self.root / "input" / (source or name)) as image:
            picture = RULES[rule](rgb(image, alpha), width, height)
        stem = f"{name}.{rule}.{alpha}.{width}x{height}.png"
        stem = self.pictures.setdefault((picture.size, picture.tobytes()), stem)
        if not (self.root / "want" / stem).exists():
            picture.save(self.root / "want" / stem, optimize=True)
        self.cases.append(dict(input=name, rule=rule, alpha=alpha, width=width, height=height, decoder=decoder, want=stem))


def sizes(c):
    """Lossless RGB of many shapes, both rules."""
    for w, h in [(105, 105), (180, 180), (160, 120), (106, 105), (108, 105), (105, 110), (121, 163),
                 (64, 48), (17, 90), (200, 10), (2, 2), (2, 40), (107, 300)]:
        c.want(c.image(f"scene-{w}x{h}.png", scene(w, h), optimize=True))
    for w, h in [(105, 105), (160, 120), (121, 163), (64, 48), (17, 90), (200, 10), (2, 40)]:
        c.want(f"scene-{w}x{h}.png", rule="letterbox")
    # Here int(w * (105 / w)) is 104: the grey edge belongs to the rule.
    short = next(w for w in range(60, 400) if int(w * (SIDE / w)) < SIDE)
    c.want(c.image(f"short-{short}x{short - 20}.png", scene(short, short - 20), optimize=True), rule="letterbox")
    c.want(c.image("noise-61x47.png", noise(61, 47)))
    c.want("noise-61x47.png", rule="letterbox")
    for w, h in [(160, 160), (64, 32), (40, 160)]:
        c.want("scene-121x163.png", width=w, height=h)
        c.want("scene-160x120.png", rule="letterbox", width=w, height=h)


def modes(c):
    """Every kind of pixel that Pillow writes to PNG, and what becomes of transparency."""
    c.want(c.image("glyph-105x105.png", glyph(105, 105), optimize=True))
    c.want(c.image("glyph-131x97.png", glyph(131, 97), optimize=True))
    c.want("glyph-131x97.png", rule="letterbox")
    c.want(c.image("gray-90x130.png", scene(90, 130).convert("L"), optimize=True))
    c.want(c.image("palette-120x90.png", paletted(120, 90), optimize=True))
    c.want(c.image("palette4-120x90.png", paletted(120, 90, 4), bits=2, optimize=True))
    levels = bytes(i * 8 for i in range(32))
    for name in [
        c.image("palette-alpha-120x90.png", paletted(120, 90), transparency=levels),
        c.image("gray-alpha-70x90.png", with_alpha("LA", 70, 90), optimize=True),
        c.image("rgb-alpha-120x100.png", with_alpha("RGBA", 120, 100), optimize=True),
    ]:
        c.want(name)
        c.want(name, alpha="drop")
        c.want(name, rule="letterbox")
    c.want(c.image("gray-key-40x60.png", scene(40, 60).convert("L"), transparency=128))


def containers(c):
    """The same kinds of pixels in the other lossless formats."""
    picture, veiled = scene(118, 84, 3), with_alpha("RGBA", 90, 70)
    c.want(c.image("rgb.bmp", picture))
    c.want(c.image("palette.bmp", paletted(118, 84)))
    c.want(c.image("glyph.bmp", glyph(118, 84)))
    c.want(c.image("rgb-lzw.tiff", picture, compression="tiff_lzw"))
    c.want(c.image("rgb-deflate.tiff", picture, compression="tiff_adobe_deflate"))
    c.want(c.image("gray.tiff", picture.convert("L")))
    c.want(c.image("glyph-g4.tiff", glyph(118, 84), compression="group4"))
    c.want(c.image("rgb-alpha.tiff", veiled, compression="tiff_lzw"))
    c.want(c.image("lossless.webp", picture, lossless=True))
    c.want(c.image("lossless-alpha.webp", veiled, lossless=True, exact=True))
    c.want(c.image("palette.gif", paletted(118, 84)))
    c.want(c.image("interlaced.gif", paletted(118, 84), interlace=1))
    c.want(c.image("transparent.gif", paletted(118, 84), transparency=3))
    frames = [paletted(118, 84), glyph(118, 84).convert("P"), scene(118, 84, 5).quantize(16)]
    c.want(c.image("animated.gif", frames[0], save_all=True, append_images=frames[1:], duration=40))


def stored_turned(image, orientation):
    """The image as a camera would store it that then writes the orientation."""
    back = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
            5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
            8: Image.Transpose.ROTATE_270}
    return image.transpose(back[orientation]) if orientation in back else image


def orientations(c):
    """Eight ways to store one picture; all have to come out alike."""
    upright = scene(61, 43, 11)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored = stored_turned(upright, orientation)
        c.want(c.image(f"turned-{orientation}.png", stored, exif=exif, optimize=True))
        if orientation in (3, 6):
            c.want(c.image(f"turned-{orientation}.jpg", stored, exif=exif, quality=92), decoder="lossy")
            c.want(c.image(f"turned-{orientation}.webp", stored, exif=exif, lossless=True))
            c.want(c.image(f"turned-{orientation}.tiff", stored, exif=exif, compression="tiff_lzw"))


def lossy(c):
    """Formats whose decoders differ in the last bits."""
    picture = scene(240, 180, 13)
    for name in [
        c.image("baseline-420.jpg", picture, quality=90, subsampling="4:2:0"),
        c.image("baseline-422.jpg", picture, quality=90, subsampling="4:2:2"),
        c.image("baseline-444.jpg", picture, quality=90, subsampling="4:4:4"),
        c.image("progressive.jpg", picture, quality=85, progressive=True),
        c.image("gray.jpg", picture.convert("L"), quality=85),
        c.image("cmyk.jpg", picture.convert("CMYK"), quality=90),
        c.image("small-105x105.jpg", scene(105, 105, 14), quality=90),
        c.image("lossy.webp", picture, quality=85),
        c.image("lossy-alpha.webp", with_alpha("RGBA", 160, 120), quality=85, exact=True),
        c.image("black-white.webp", glyph(120, 120).convert("RGB"), quality=90),
    ]:
        c.want(name, decoder="lossy")
    c.want("baseline-420.jpg", rule="letterbox", decoder="lossy")


def deep_png(width, height, samples):
    """RGB of 16 bits, written by hand: Pillow writes none. samples: rows of pixels of three numbers."""
    def chunk(kind, payload):
        return struct.pack(">L", len(payload)) + kind + payload + struct.pack(">L", zlib.crc32(kind + payload))

    rows = b"".join(b"\0" + b"".join(struct.pack(">3H", *pixel) for pixel in row) for row in samples)
    head = struct.pack(">LLBBBBB", width, height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def deep(c):
    """Sixteen bits: Pillow resizes each channel as floats, and the result is rounded to 8 bits once."""
    for width, height in [(40, 31), (150, 131), (SIDE, SIDE)]:
        samples = [[(300 + 160 * x + 13 * y, (x * y * 37) % 9000 + 20000, 65535 - 400 * y - x) for x in range(width)] for y in range(height)]
        name = f"deep-{width}x{height}.png"
        (c.root / "input" / name).write_bytes(deep_png(width, height, samples))
        bands = []
        for channel in range(3):
            band = Image.new("F", (width, height))
            band.putdata([pixel[channel] / 257 for row in samples for pixel in row])
            fitted = shorter_side(band, SIDE, SIDE)
            level = Image.new("L", fitted.size)
            level.putdata([min(max(int(v + 0.5), 0), 255) for v in fitted.getdata()])
            bands.append(level)
        stem = f"{name}.shorter-side.white.{SIDE}x{SIDE}.png"
        Image.merge("RGB", bands).save(c.root / "want" / stem, optimize=True)
        c.cases.append(dict(input=name, rule="shorter-side", alpha="white", width=SIDE, height=SIDE, decoder="deep", want=stem))


def main():
    if PIL.__version__ != PILLOW:
        sys.exit(f"found Pillow {PIL.__version__}, expected {PILLOW}: the goldens depend on it")
    root = pathlib.Path(sys.argv[1])
    corpus = Corpus(root)
    for part in (sizes, modes, containers, orientations, lossy, deep):
        part(corpus)
    (root / "cases.json").write_text(json.dumps(corpus.cases, indent=1) + "\n")


if __name__ == "__main__":
    main()
