#!/usr/bin/env python3
"""What: writes testdata/imaging/variants/png. How to run: see rasters.py."""

import struct
import zlib

from rasters import by_opencv, given, palette, picture
from reference import Folder

WIDTH, HEIGHT = 13, 9
FORMAT = "PNG"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
GRAY, RGB, PALETTE, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6
SAMPLES = {GRAY: 1, RGB: 3, PALETTE: 1, GRAY_ALPHA: 2, RGBA: 4}
NAMES = {GRAY: "grey", RGB: "RGB", PALETTE: "palette", GRAY_ALPHA: "grey with alpha", RGBA: "RGBA"}
WHOLE = ((0, 0, 1, 1),)
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
GIVEN = {
    "png_extradata.png": "data behind the last row",
    "png_gray_with_PLTE.png": "grey with a palette",
    "png_rgba_with_trns.png": "RGBA with a transparent colour too",
    "png_tEXt_after_badcrc.png": "a wrong checksum of a text behind the pixels",
}


def chunk(kind, body, checksum=None, length=None):
    checksum = zlib.crc32(kind + body) if checksum is None else checksum
    return struct.pack(">I", len(body) if length is None else length) + kind + body + struct.pack(">I", checksum)


def ihdr(kind=RGB, depth=8, interlaced=0, width=WIDTH, height=HEIGHT, compression=0):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, compression, 0, interlaced))


def sample(x, y, channel, depth):
    value = (x * (19 + 7 * channel) + y * (37 - 9 * channel) + 50 * channel) % 256
    if channel == 3 and x > 8:
        value = 255
    return value * 257 if depth == 16 else value >> 8 - depth


def rows(kind=RGB, depth=8, interlaced=False, width=WIDTH, height=HEIGHT):
    """Rows with filter 0."""
    out = b""
    channels = {GRAY: (0,), RGB: (0, 1, 2), PALETTE: (0,), GRAY_ALPHA: (0, 3), RGBA: (0, 1, 2, 3)}[kind]
    for left, top, across, down in PASSES if interlaced else WHOLE:
        for y in range(top, height, down):
            line = "".join(f"{sample(x, y, c, depth):0{depth}b}" for x in range(left, width, across) for c in channels)
            if line:
                line += "0" * (-len(line) % 8)
                out += b"\0" + int(line, 2).to_bytes(len(line) // 8, "big")
    return out


def colors(count):
    return chunk(b"PLTE", b"".join(bytes(c) for c in palette(count)))


def data(kind=RGB, depth=8, interlaced=False, more=b""):
    return zlib.compress(rows(kind, depth, interlaced) + more)


def idat(body=None, **options):
    return chunk(b"IDAT", data() if body is None else body, **options)


END = chunk(b"IEND", b"")


def png(*chunks):
    return SIGNATURE + b"".join(chunks)


def shown(folder):
    """What Pillow shows."""

    def show(name, content, variant):
        folder.show(name + ".png", content, FORMAT, variant)

    for kind, depths in ((GRAY, (1, 2, 4, 8)), (RGB, (8, 16)), (PALETTE, (1, 2, 4, 8)), (GRAY_ALPHA, (8,)), (RGBA, (8,))):
        for depth in depths:
            table = (colors(1 << depth),) if kind == PALETTE else ()
            for interlaced in (0, 1):
                words = f"{NAMES[kind]} of {depth} bits" + (", interlaced" if interlaced else "")
                show(f"{kind}_{depth}_{interlaced}", png(ihdr(kind, depth, interlaced), *table, idat(data(kind, depth, interlaced)), END), words)
    for size in ((1, 9), (3, 2), (5, 7)):
        width, height = size
        content = zlib.compress(rows(RGB, 8, True, width, height))
        show(f"interlaced_{width}x{height}", png(ihdr(RGB, 8, 1, width, height), idat(content), END), f"interlaced, {width}x{height}: some passes are empty")
    show("extra_rows", png(ihdr(), idat(data(more=bytes(90))), END), "more rows than the header says")
    show("extra_rows_interlaced", png(ihdr(interlaced=1), idat(data(interlaced=True, more=bytes(90))), END), "interlaced, more rows than the header says")
    show("extra_idat", png(ihdr(), idat(), idat(b"junk"), END), "a chunk of pixels behind the last one")
    show("extra_zlib", png(ihdr(), idat(data() + b"junk"), END), "bytes behind the packed pixels")
    show("no_checksum", png(ihdr(), idat(data()[:-4]), END), "the packed pixels have no checksum")
    show("idat_checksum", png(ihdr(), idat(checksum=1), END), "a wrong checksum of the pixels' chunk")
    show("idat_empty", png(ihdr(), idat(b""), idat(data()[:30]), idat(b""), idat(data()[30:]), END), "empty chunks of pixels")
    show("idat_bytes", png(ihdr(), *(idat(data()[i : i + 1]) for i in range(len(data()))), END), "chunks of pixels of a byte each")
    show("idat_lying", png(ihdr(), idat(length=100_000)), "the pixels' chunk says that it is longer than the file")
    show("no_end", png(ihdr(), idat()), "no IEND")
    show("no_end_cut", png(ihdr(), idat())[:-3], "the file ends within the pixels' checksum")
    show("trailing", png(ihdr(), idat(), END, b"garbage" * 9), "garbage behind the end")
    show("garbage_for_end", png(ihdr(), idat(), b"\xff" * 30), "garbage in place of IEND")
    show("small_window", png(ihdr(), idat(b"\x18\x19" + data()[2:]), END), "packed pixels that say they need a window of 512 bytes")
    show("unknown_critical", png(ihdr(), chunk(b"ABCD", b"junk"), idat(), END), "an unknown chunk that says it is critical")
    show("profile_broken", png(ihdr(), chunk(b"iCCP", b"name\0\0junk"), idat(), END), "a colour profile that can't be unpacked")
    show("significant_bits", png(ihdr(), chunk(b"sBIT", b"\5\6\5"), idat(), END), "significant bits")
    show("text_in_front", png(chunk(b"tEXt", b"a\0b"), ihdr(), idat(), END), "a text before IHDR")
    show("ihdr_long", png(chunk(b"IHDR", ihdr()[8:-4] + b"x"), idat(), END), "an IHDR of 14 bytes")
    show("compression_1", png(ihdr(compression=1), idat(), END), "a compression method that there is none of")
    show("interlace_2", png(ihdr(interlaced=2), idat(data(interlaced=True)), END), "interlace method 2: taken for 1")
    show("beyond_palette", png(ihdr(PALETTE), colors(90), idat(data(PALETTE)), END), "indices beyond the palette: black")
    show("palette_long", png(ihdr(PALETTE, 2), colors(9), idat(data(PALETTE, 2)), END), "a palette of 9 colours for 2 bits")
    show("palette_odd", png(ihdr(PALETTE), chunk(b"PLTE", colors(90)[8:-4] + b"x"), idat(data(PALETTE)), END), "a palette whose length is no multiple of 3")
    show("palette_twice", png(ihdr(PALETTE), colors(3), colors(90), idat(data(PALETTE)), END), "two palettes: the second one counts")
    show("rgb_palette", png(ihdr(), chunk(b"PLTE", b"1234567"), idat(), END), "RGB with a broken palette")
    alphas = bytes(i * 90 % 256 for i in range(120))
    show("alphas_long", png(ihdr(PALETTE), colors(90), chunk(b"tRNS", alphas), idat(data(PALETTE)), END), "transparency of more colours than the palette has")
    show("alphas_first", png(ihdr(PALETTE), chunk(b"tRNS", alphas), colors(90), idat(data(PALETTE)), END), "transparency before the palette")
    show("alphas_last", png(ihdr(PALETTE), colors(90), idat(data(PALETTE)), chunk(b"tRNS", alphas), END), "transparency behind the pixels")
    show("key_gray", png(ihdr(GRAY), chunk(b"tRNS", b"\0\x39"), idat(data(GRAY)), END), "a transparent grey")
    show("key_gray_1", png(ihdr(GRAY, 1), chunk(b"tRNS", b"\1\0"), idat(data(GRAY, 1)), END), "a transparent grey of 1 bit that is neither 0 nor 1: white")
    show("key_rgb", png(ihdr(), chunk(b"tRNS", bytes([0, 19, 0, 76, 0, 133])), idat(), END), "a transparent colour")
    show("key_rgb_high", png(ihdr(), chunk(b"tRNS", bytes([7, 19, 0, 76, 0, 133])), idat(), END), "a transparent colour that is out of range: its low bytes count")
    show("key_long", png(ihdr(GRAY), chunk(b"tRNS", b"\0\x39more"), idat(data(GRAY)), END), "a transparent grey with bytes behind it")
    first = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, WIDTH, HEIGHT, 0, 0, 1, 10, 0, 0))
    second = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 1, WIDTH, HEIGHT, 0, 0, 1, 10, 0, 0)) + chunk(b"fdAT", struct.pack(">I", 2) + data(more=b"x"))
    show("animated", png(ihdr(), chunk(b"acTL", struct.pack(">II", 2, 0)), first, idat(), second, END), "an animation: its first frame")
    only = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, WIDTH, HEIGHT, 0, 0, 1, 10, 0, 0)) + chunk(b"fdAT", struct.pack(">I", 1) + data(more=b"x"))
    show("animated_default", png(ihdr(), chunk(b"acTL", struct.pack(">II", 1, 0)), idat(), only, END), "an animation with an image that is no part of it: that image")


def shown_elsewhere(folder):
    """What Pillow refuses, and OpenCV shows; and what both show without transparency."""

    def show(name, content, variant, want=None, by="OpenCV"):
        folder.show(name + ".png", content, FORMAT, variant, want=want or by_opencv(content), by=by)

    for kind in (b"tEXt", b"gAMA", b"prVt"):
        show(f"{kind.decode()}_checksum", png(ihdr(), chunk(kind, b"a\0bc", checksum=1), idat(), END), f"a wrong checksum of {kind.decode()} before the pixels")
    show("key_checksum", png(ihdr(), chunk(b"tRNS", bytes([0, 19, 0, 76, 0, 133]), checksum=1), idat(), END), "a wrong checksum of a transparent colour, which so is none")
    show("rgb_palette_checksum", png(ihdr(), colors(9)[:-1] + b"x", idat(), END), "RGB with a wrong checksum of the palette")
    show("key_short", png(ihdr(), chunk(b"tRNS", b"\0\1"), idat(), END), "a transparent colour that is cut off, which so is none")
    show("alphas_257", png(ihdr(PALETTE), colors(90), chunk(b"tRNS", bytes(257)), idat(data(PALETTE)), END), "transparency of 257 colours, which so is none")
    show("srgb_empty", png(ihdr(), chunk(b"sRGB", b""), idat(), END), "an empty sRGB chunk")
    key = 2

    def keyed(x, y):
        grey = sample(x, y, 0, 4)
        return (255, 255, 255) if grey == key else (grey * 17,) * 3

    four = png(ihdr(GRAY, 4), chunk(b"tRNS", bytes([0, key])), idat(data(GRAY, 4)), END)
    show("key_gray_4", four, "a transparent grey of 4 bits, which Pillow compares with one of 8", picture(WIDTH, HEIGHT, keyed), "the picture that was written")


def refused(folder):
    def refuse(name, content, variant, words):
        folder.refuse(name + ".png", content, FORMAT, variant, words)

    refuse("ihdr_checksum", png(ihdr()[:-1] + b"x", idat(), END), "a wrong checksum of IHDR", "the checksum of IHDR is wrong")
    refuse("palette_checksum", png(ihdr(PALETTE), colors(90)[:-1] + b"x", idat(data(PALETTE)), END), "a wrong checksum of the palette", "the checksum of PLTE is wrong")
    refuse("no_palette", png(ihdr(PALETTE), idat(data(PALETTE)), END), "no palette, where Pillow shows black", "no palette")
    refuse("rows_missing", png(ihdr(), idat(zlib.compress(rows()[:200])), END), "rows are missing", "the pixels end before the last one")
    refuse("truncated", png(ihdr(), idat())[:-60], "truncated", "the pixels end before the last one")
    refuse("idat_apart", png(ihdr(), idat(data()[:30]), chunk(b"tEXt", b"a\0b"), idat(data()[30:]), END), "another chunk between those of pixels", "the pixels end before the last one")
    refuse("pixel_checksum", png(ihdr(), idat(data()[:-1] + b"x"), END), "a wrong checksum of the packed pixels", "checksum")
    refuse("filter_5", png(ihdr(), idat(zlib.compress(b"\5" + rows()[1:])), END), "a filter that there is none of", "bad filter type")
    refuse("kind_5", png(ihdr(kind=5), idat(), END), "a colour type that there is none of", "colour type 5 of 8 bits")
    apple = zlib.compressobj(wbits=-15)
    refuse("cgbi", png(chunk(b"CgBI", b"\x50\0\x20\2"), ihdr(), idat(apple.compress(rows()) + apple.flush()), END), "Apple's CgBI, as iOS programs hold it", "Apple's CgBI variant")


kept = given("png", GIVEN)
folder = Folder("png")
for name, content in kept.items():
    folder.show(name, content, FORMAT, GIVEN[name])
shown(folder)
shown_elsewhere(folder)
refused(folder)
folder.close()
