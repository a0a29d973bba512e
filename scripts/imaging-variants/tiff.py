#!/usr/bin/env python3
"""What: writes testdata/imaging/variants/tiff. How to run: see reference.py; it needs
tifffile==2026.3.3, imagecodecs==2026.3.6 and tiffcp of Debian's libtiff-tools as well.

Files named reported_* are kept: they were made by hand after public bug reports.
"""

import io
import pathlib
import subprocess
import tempfile

import numpy as np
import tifffile
from PIL import Image

from reference import ROOT, Folder, upright_rgb

REPORTED = {
    "tif_bigtiff": "BigTIFF",
    "tif_cmyk": "CMYK",
    "tif_gray4": "gray, 4 bits",
    "tif_pil_CMYK_tiff_lzw": "CMYK, LZW",
    "tif_pil_F_raw": "floating point",
    "tif_pil_LA_raw": "gray with alpha",
    "tif_planar_lzw": "planar, LZW",
    "tif_rgb_jpeg": "RGB, JPEG",
    "tif_rgba_unspec": "RGB and a sample that is not told what it is",
}

WIDTH, HEIGHT = 37, 29
y, x = np.mgrid[:HEIGHT, :WIDTH]
rgb = np.stack([x * 5 + y, y * 7 % 256, 255 * ((x // 8 + y // 8) % 2)], -1).astype(np.uint8)
gray = rgb[..., 1].copy()
alpha = (x * 6).astype(np.uint8)
rgba = np.dstack([rgb, alpha])
cmyk = np.asarray(Image.fromarray(rgb).convert("CMYK"))
colormap = (np.arange(3 * 256).reshape(3, 256) * 7919 % 65536).astype(np.uint16)


def written(samples, **options):
    out = io.BytesIO()
    tifffile.imwrite(out, samples, **options)
    return out.getvalue()


def saved(image, **options):
    out = io.BytesIO()
    image.save(out, "TIFF", **options)
    return out.getvalue()


def tiffcp(image, *options):
    with tempfile.TemporaryDirectory() as folder:
        give, want = pathlib.Path(folder, "give.tif"), pathlib.Path(folder, "want.tif")
        image.save(give)
        subprocess.run(["tiffcp", *options, give, want], check=True, capture_output=True)
        return want.read_bytes()


def packed_bits(samples, bits):
    """Samples of a few bits, rows filled up to bytes, the highest bits first."""
    rows = np.unpackbits(samples[..., None], axis=-1)[..., 8 - bits :].reshape(HEIGHT, -1)
    return np.packbits(rows, axis=-1).tobytes()


def directory(data, *tags):
    """A TIFF of one strip: tags of a number and its value, all SHORT, and the data."""
    tags = sorted([*tags, (256, WIDTH), (257, HEIGHT), (278, HEIGHT), (279, len(data)), (273, 0)])
    start = 8 + 2 + 12 * len(tags) + 4
    out = b"II*\x00\x08\x00\x00\x00" + len(tags).to_bytes(2, "little")
    for tag, value in tags:
        value = start if tag == 273 else value
        out += tag.to_bytes(2, "little") + b"\x03\x00\x01\x00\x00\x00" + value.to_bytes(4, "little")
    return out + bytes(4) + data


reported = {name: (ROOT / "tiff" / f"reported_{name}.tif").read_bytes() for name in REPORTED}
folder = Folder("tiff")


def show(name, data, variant, mean=0, **options):
    folder.show(name + ".tif", data, "TIFF", variant, mean=mean, **options)


def refuse(name, data, variant, words):
    folder.refuse(name + ".tif", data, "TIFF", variant, words)


for name, variant in REPORTED.items():
    show(f"reported_{name}", reported[name], variant, mean=0.5 if "jpeg" in name else 0)

kinds = {
    "rgb": (rgb, "RGB", dict(photometric="rgb")),
    "planar": (rgb.transpose(2, 0, 1).copy(), "RGB, planar", dict(photometric="rgb", planarconfig="separate")),
    "rgba": (rgba, "RGBA", dict(photometric="rgb", extrasamples=["unassalpha"])),
    "planar_rgba": (rgba.transpose(2, 0, 1).copy(), "RGBA, planar", dict(photometric="rgb", planarconfig="separate", extrasamples=["unassalpha"])),
    "rgbx": (rgba, "RGB and an unspecified sample", dict(photometric="rgb", extrasamples=["unspecified"])),
    "five": (np.dstack([rgba, alpha]), "RGBA and an unspecified sample", dict(photometric="rgb", extrasamples=["unassalpha", "unspecified"])),
    "gray_alpha": (np.dstack([gray, alpha]), "gray with alpha", dict(photometric="minisblack", planarconfig="contig", extrasamples=["unassalpha"])),
    "white": (255 - gray, "gray, 0 is white", dict(photometric="miniswhite")),
    "cmyk": (cmyk, "CMYK", dict(photometric="separated")),
    "cmyk16": (cmyk.astype(np.uint16) * 257, "CMYK, 16 bits", dict(photometric="separated")),
    "palette": (gray, "palette", dict(photometric="palette", colormap=colormap)),
    "signed16": (gray.astype(np.int16) * 2 - 100, "signed, 16 bits", dict(photometric="minisblack")),
    "signed32": (gray.astype(np.int32) * 2 - 100, "signed, 32 bits", dict(photometric="minisblack")),
    "float": (gray.astype(np.float32) * 1.7 - 50, "floating point", dict(photometric="minisblack")),
}
for name, (samples, variant, options) in kinds.items():
    show(f"{name}_tiles_zip", written(samples, compression="zlib", tile=(16, 32), **options), f"{variant}, tiles, Deflate")
for name in ("planar", "rgbx", "gray_alpha", "cmyk", "signed16", "float"):
    samples, variant, options = kinds[name]
    # Pillow takes no BigTIFF with the high byte first.
    want = upright_rgb(written(samples, byteorder="<", bigtiff=True, rowsperstrip=7, **options))
    show(f"{name}_big", written(samples, byteorder=">", bigtiff=True, rowsperstrip=7, **options), f"{variant}, strips, BigTIFF, high byte first", want=want, by="Pillow with the low byte first")
show("planar16", written((rgb.astype(np.uint16) * 257).transpose(2, 0, 1).copy(), photometric="rgb", planarconfig="separate", compression="lzw"), "RGB, planar, 16 bits", mean=1)
show("predictor_float", written(kinds["float"][0], photometric="minisblack", compression="zlib", predictor=3), "floating point with predictor")
show("predictor_packbits", written(rgb, photometric="rgb", compression="packbits", predictor=2), "RGB, PackBits, a predictor that it can't have")
show("lab", written(rgb, photometric="cielab", compression="lzw"), "L*a*b*", mean=0.5)
show("ycbcr", saved(Image.fromarray(rgb).convert("YCbCr"), compression="tiff_lzw"), "YCbCr, LZW")
for bits in (1, 2, 4):
    shades = gray >> (8 - bits)
    for photometric, words in ((0, "0 is white"), (1, "0 is black")):
        show(f"gray{bits}_{photometric}", directory(packed_bits(shades, bits), (258, bits), (259, 1), (262, photometric)), f"gray, {bits} bits, {words}")
    show(f"gray{bits}_reversed", directory(bytes(int(f"{b:08b}"[::-1], 2) for b in packed_bits(shades, bits)), (258, bits), (259, 1), (262, 1), (266, 2)), f"gray, {bits} bits, bits reversed")
photo = Image.fromarray(rgb)
line = Image.fromarray(gray > 128)
for name, image, options, variant in [
    ("jpeg_ycbcr", photo, ("-c", "jpeg:90", "-r", "16"), "YCbCr, JPEG, strips"),
    ("jpeg_tiles", photo, ("-c", "jpeg:90", "-t", "-w", "32", "-l", "16"), "YCbCr, JPEG, tiles"),
    ("jpeg_gray", photo.convert("L"), ("-c", "jpeg:90", "-r", "16"), "gray, JPEG"),
]:
    show(name, tiffcp(image, *options), variant, mean=0.5)
for name, options, variant in [
    ("group3", ("-c", "g3:1d"), "fax group 3"),
    ("group3_2d", ("-c", "g3:2d:fill"), "fax group 3, two dimensions, filled"),
    ("group4_reversed", ("-c", "g4", "-f", "lsb2msb"), "fax group 4, bits reversed"),
]:
    show(name, tiffcp(line, *options), variant)
show("rle", saved(line, compression="tiff_ccitt"), "fax, runs alone")

for name, words in (("zstd", "Zstandard"), ("lzma", "LZMA")):
    show(name, written(gray, photometric="minisblack", compression=name), words)
    show(f"{name}_tiles", written(rgb, photometric="rgb", tile=(16, 32), compression=name, predictor=2), f"RGB, tiles, {words} with predictor")
    show(f"{name}_planar", written(kinds["planar"][0], compression=name, rowsperstrip=7, **kinds["planar"][2]), f"RGB, planar, strips, {words}")
show("lzma_dictionary", written(gray, photometric="minisblack", compression="lzma", compressionargs={"level": 9}), "LZMA, dictionary of 64 MiB")
lost = written(rgb, photometric="rgb", compression="zlib", tile=(16, 32), bigtiff=True)
refuse("truncated", lost[:-30], "truncated", "expected a complete image")
refuse("double", written(gray.astype(np.float64), photometric="minisblack"), "floating point, 64 bits", "samples of 64 bits")
refuse("rgb_float", written(rgb.astype(np.float32), photometric="rgb"), "RGB in floating point", "samples of 32 bits and format 3")
folder.close()
