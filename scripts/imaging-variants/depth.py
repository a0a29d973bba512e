#!/usr/bin/env python3
"""What: writes testdata/imaging/variants/depth: pictures of 16 bits a sample. The reference
is numpy: Pillow keeps the high byte of colours, and shows 16-bit gray as white. How to
run: see reference.py.
"""

import struct
import zlib

import numpy as np
from PIL import Image

from profile import P3, chunk, srgb_linear, to_xyz
from reference import Folder

FULL = 65535
RGB, GRAY, GRAY_ALPHA, RGB_ALPHA = 2, 0, 4, 6  # PNG's colour types


def scene(width=32, height=24):
    """Ramps that use every bit: [height, width, 4], of 0 to 65535."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    red = (x * FULL // (width - 1))
    green = (y * FULL // (height - 1))
    blue = (x * 8219 + y * 30011) % (FULL + 1)
    alpha = np.clip((x + y) * 1613, 0, FULL)
    return np.stack([red, green, blue, alpha], -1)


def png(samples, colour, before=b""):
    """samples [height, width, channels] -> PNG of 16 bits."""
    height, width, _ = samples.shape
    head = struct.pack(">LLBBBBB", width, height, 16, colour, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + before + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def tiff(samples, order="<", associated=False):
    """samples [height, width, channels] -> TIFF of 16 bits, of one strip."""
    height, width, channels = samples.shape
    pixels = samples.astype(order + "u2").tobytes()
    bits = struct.pack(f"{order}{channels}H", *[16] * channels)
    entries = [(256, 4, 1, width), (257, 4, 1, height), (259, 3, 1, 1), (262, 3, 1, 2 if channels > 2 else 1),
               (273, 4, 1, 8), (277, 3, 1, channels), (278, 4, 1, height), (279, 4, 1, len(pixels))]
    tail = pixels
    if channels == 1:
        entries.append((258, 3, 1, 16))
    else:
        entries.append((258, 3, channels, 8 + len(tail)))
        tail += bits
    if channels == 4:
        entries.append((338, 3, 1, 1 if associated else 2))
    out = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "L", 8 + len(tail)) + tail + struct.pack(order + "H", len(entries))
    for tag, kind, count, value in sorted(entries):
        short = kind == 3 and count == 1
        out += struct.pack(order + "HHL" + ("HH" if short else "L"), tag, kind, count, *([value, 0] if short else [value]))
    return out + bytes(4)


def on_white(samples):
    """[..., 3 or 4] of 0 to 65535 -> RGB of 8 bits, rounded once."""
    light = samples[..., :3].astype(float)
    if samples.shape[-1] == 4:
        light = FULL - (FULL - light) * samples[..., 3:] / FULL
    return Image.fromarray(np.floor(light / 257 + 0.5).astype(np.uint8))


def from_p3(samples):
    """RGB of Display P3 -> RGB of sRGB, both of 0 to 65535."""
    light = np.vectorize(srgb_linear)(samples[..., :3] / FULL) @ (np.linalg.inv(to_xyz("srgb")) @ to_xyz("p3")).T
    light = np.clip(light, 0, 1)
    encoded = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.concatenate([encoded * FULL, samples[..., 3:]], -1)


BY = "numpy, rounding once"


def main():
    folder = Folder("depth")
    all_four = scene()
    rgb, gray = all_four[..., :3], all_four[..., 2:3]
    grays = np.repeat(gray, 3, -1)
    gray_alpha = np.concatenate([gray, all_four[..., 3:]], -1)
    grays_alpha = np.concatenate([grays, all_four[..., 3:]], -1)
    profile = chunk(b"iCCP", b"P3\0\0" + zlib.compress(P3))
    key = grays_alpha.copy()
    key[..., 3] = FULL * (gray[..., 0] != gray[3, 5, 0])
    premultiplied = all_four.copy()
    premultiplied[..., :3] = np.round(rgb * (all_four[..., 3:] / FULL))
    for name, data, want, variant, mean in [
        ("rgb.png", png(rgb, RGB), rgb, "16 bits", 0),
        ("gray.png", png(gray, GRAY), grays, "16 bits, gray", 0),
        ("rgb_alpha.png", png(all_four, RGB_ALPHA), all_four, "16 bits, transparency", 0),
        ("gray_alpha.png", png(gray_alpha, GRAY_ALPHA), grays_alpha, "16 bits, gray with transparency", 0),
        ("gray_key.png", png(gray, GRAY, chunk(b"tRNS", struct.pack(">H", gray[3, 5, 0]))), key, "16 bits, gray with a transparent level", 0),
        ("p3.png", png(rgb, RGB, profile), from_p3(rgb), "16 bits, profile: Display P3", 0.02),
        ("p3_alpha.png", png(all_four, RGB_ALPHA, profile), from_p3(all_four), "16 bits, profile, then transparency", 0.02),
        ("rgb.tif", tiff(rgb), rgb, "16 bits", 0),
        ("rgb_big_endian.tif", tiff(rgb, ">"), rgb, "16 bits, big endian", 0),
        ("gray.tif", tiff(gray), grays, "16 bits, gray", 0),
        ("rgb_alpha.tif", tiff(all_four), all_four, "16 bits, transparency", 0),
        ("rgb_premultiplied.tif", tiff(premultiplied, associated=True), all_four, "16 bits, premultiplied transparency", 0),
    ]:
        folder.show(name, data, "PNG" if name.endswith("png") else "TIFF", variant, mean=mean, want=on_white(want), by=BY)
    folder.close()


if __name__ == "__main__":
    main()
