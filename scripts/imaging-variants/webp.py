#!/usr/bin/env python3
"""What: writes testdata/imaging/variants/webp. How to run: see reference.py."""

import io
import struct

from PIL import Image

from reference import ROOT, Folder


def scene(width, height, mode="RGB"):
    """A picture with slopes and edges, by whole-number arithmetic."""
    image = Image.new("RGBA", (width, height))
    image.putdata([((x * 5 + y) % 256, (y * 7) % 256, 255 * ((x // 8 + y // 8) % 2), min(255, 4 * (x + y))) for y in range(height) for x in range(width)])
    return image.convert(mode)


def encoded(image, **options):
    out = io.BytesIO()
    image.save(out, "WEBP", **options)
    return out.getvalue()


def pixels(data):
    """Encoded WebP -> the chunks that hold its pixels."""
    at, found = 12, []
    while at + 8 <= len(data):
        size = struct.unpack("<I", data[at + 4:at + 8])[0]
        found.append((data[at:at + 4], data[at + 8:at + 8 + size]))
        at += 8 + size + size % 2
    return [chunk for chunk in found if chunk[0] in (b"VP8 ", b"VP8L", b"ALPH")]


def joined(chunks):
    return b"".join(kind + struct.pack("<I", len(payload)) + payload + bytes(len(payload) % 2) for kind, payload in chunks)


def riff(*chunks):
    body = b"WEBP" + joined(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def number(value):
    return struct.pack("<I", value)[:3]


def extended(flags, width, height):
    return b"VP8X", struct.pack("<I", flags) + number(width - 1) + number(height - 1)


def frame(x, y, width, height, chunks):
    return b"ANMF", number(x // 2) + number(y // 2) + number(width - 1) + number(height - 1) + number(100) + b"\0" + joined(chunks)


ALPHA, ANIMATED = 0x10, 0x02
BACKGROUND = b"ANIM", b"\x3c\x1e\xc8\xff\0\0"
UNKNOWN = b"ABCD", b"xyz"
SIZE = 40, 30
folder = Folder("webp")
stills = {
    "lossy": encoded(scene(*SIZE), quality=80),
    "lossless": encoded(scene(*SIZE), lossless=True),
    "lossy_alpha": encoded(scene(*SIZE, "RGBA"), quality=80),
    "lossless_alpha": encoded(scene(*SIZE, "RGBA"), lossless=True),
}
for name, data in stills.items():
    words, mean = name.replace("_", " with "), 0 if "lossless" in name else 0.5
    folder.show(f"still_{name}.webp", data, "webp", f"{words}, still", mean)
    folder.show(f"anim_offset_{name}.webp", riff(extended(ALPHA | ANIMATED, 60, 50), BACKGROUND, frame(10, 8, *SIZE, pixels(data)), frame(0, 0, *SIZE, pixels(stills["lossless"]))),
                "webp", f"{words}, animated: the first frame covers a part of the canvas, the rest is transparent", mean)
    folder.show(f"anim_opaque_{name}.webp", riff(extended(ANIMATED, 60, 50), BACKGROUND, frame(10, 8, *SIZE, pixels(data))),
                "webp", f"{words}, animated, said to be opaque: the rest is black", mean)
    folder.show(f"unknown_chunk_{name}.webp", riff(extended(ALPHA, *SIZE), UNKNOWN, *pixels(data), UNKNOWN), "webp", f"{words}, unknown chunks around the picture", mean)
    folder.show(f"no_flags_{name}.webp", riff(extended(0, *SIZE), *pixels(data)), "webp", f"{words}, none of the header's flags set", mean)
    folder.show(f"trailing_{name}.webp", data + b"more bytes", "webp", f"{words}, bytes behind the end", mean)
for mode in "RGB", "RGBA":
    more = [scene(*SIZE, mode).transpose(Image.Transpose.ROTATE_180)]
    data = encoded(scene(*SIZE, mode), save_all=True, append_images=more, duration=100, allow_mixed=True)
    folder.show(f"anim_pillow_{mode.lower()}.webp", data, "webp", f"animated by Pillow, {mode}", 0.5)
unmarked = bytearray(pixels(stills["lossless_alpha"])[0][1])
unmarked[4] ^= 0x10
folder.show("lossless_alpha_unmarked.webp", riff((b"VP8L", bytes(unmarked))), "webp", "lossless, with transparency that its header denies")
folder.refuse("anim_outside.webp", riff(extended(ALPHA | ANIMATED, *SIZE), BACKGROUND, frame(10, 8, *SIZE, pixels(stills["lossless"]))), "webp", "animated, a frame beyond the canvas (Pillow refuses it too)", "the canvas has 40x30")
folder.show("webp_anim.webp", (ROOT.parent / "given/webp_anim.webp").read_bytes(), "webp", "animated, a small file of another origin", 0.5)
folder.close()
