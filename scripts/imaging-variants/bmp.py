#!/usr/bin/env python3
"""What: writes testdata/imaging/variants/bmp. How to run: see rasters.py."""

import struct

from rasters import by_opencv, colour, given, palette, picture
from reference import Folder

WIDTH, HEIGHT = 21, 14
FORMAT = "BMP"
RAW, RLE8, RLE4, FIELDS, JPEG, PNG, ALPHA_FIELDS = range(7)
RGB24 = (0xFF0000, 0xFF00, 0xFF, 0)
GIVEN = {
    "b32_h124_c0_am0_f0.bmp": "32 bits, header of 124 bytes, the fourth byte is 0 and no alpha",
    "bmp_16_565.bmp": "16 bits, masks 5-6-5, header of 40 bytes",
    "bmp_24gap.bmp": "24 bits, a gap before the pixels",
    "bmp_32bf_bgrx.bmp": "32 bits by masks without alpha",
    "bmp_os2_8.bmp": "8 bits, OS/2 1.x (header of 12 bytes)",
    "bmp_rle8.bmp": "RLE8",
}


def header(size, bits, compression=RAW, colors=0, masks=(), height=HEIGHT, width=WIDTH):
    """The second header, cut or filled up to its size; masks that it has no room for follow."""
    if size == 12:
        return struct.pack("<IHHHH", size, width, height, 1, bits)
    fields = struct.pack("<IiiHHIIiiII", size, width, height, 1, bits, compression, 0, 2835, 2835, colors, 0)
    fields += b"".join(struct.pack("<I", mask) for mask in masks)
    return fields if size == 40 else fields[:size].ljust(size, b"\0")


def table(colors, entry=4):
    return b"".join(bytes([b, g, r, 0][:entry]) for r, g, b in colors)


def file(head, pixels, colors=b"", gap=b"", offset=None):
    start = 14 + len(head) + len(colors) + len(gap)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start if offset is None else offset) + head + colors + gap + pixels


def index(x, y, count):
    return (x // 2 + y * 3) % count


def rows(bits, count, height=HEIGHT):
    """Indices, the lowest row first, each row filled up to four bytes."""
    out = b""
    for y in reversed(range(height)):
        line = "".join(f"{index(x, y, count):0{bits}b}" for x in range(WIDTH))
        line += "0" * (-len(line) % 32)
        out += int(line, 2).to_bytes(len(line) // 8, "big")
    return out


def under(value, mask):
    """The highest bits of an eight-bit value, at the mask's place."""
    if mask == 0:
        return 0
    low = (mask & -mask).bit_length() - 1
    width = mask.bit_length() - low
    return (value << width >> 8) << low


def deep(bits, masks, alpha=None, top_down=False):
    """Pixels by masks; alpha: the same for all, or a slope."""
    out = b""
    for y in range(HEIGHT) if top_down else reversed(range(HEIGHT)):
        line = b""
        for x in range(WIDTH):
            samples = (*colour(x, y), x * 12 if alpha is None else alpha)
            line += sum(under(s, m) for s, m in zip(samples, masks)).to_bytes(bits // 8, "little")
        out += line + b"\0" * (-len(line) % 4)
    return out


def runs(count, nibbles=False, ends=True, literal=0):
    """Runs of a row each time; literal: pixels that are written as they are."""
    out = b""
    for y in reversed(range(HEIGHT)):
        line, at = [index(x, y, count) for x in range(WIDTH)], 0
        while at < WIDTH:
            left = WIDTH - at
            if literal and left >= 3:
                some = line[at : at + literal]
                body = bytes(some)
                if nibbles:
                    some = some + [0] * (len(some) % 2)
                    body = bytes(a << 4 | b for a, b in zip(some[::2], some[1::2]))
                out += bytes([0, min(literal, left)]) + body + b"\0" * (len(body) % 2)
                at += min(literal, left)
                continue
            length = 1
            while at + length < WIDTH and line[at + length] == line[at]:
                length += 1
            out += bytes([length, line[at] * 17 if nibbles else line[at]])
            at += length
        out += b"\0\0" if ends else b""
    return out + b"\0\1"


def shown(folder):
    """What Pillow shows."""

    def show(name, data, variant):
        folder.show(name + ".bmp", data, FORMAT, variant)

    for size, words in ((12, "OS/2 1.x (header of 12 bytes)"), (40, "header of 40 bytes"), (64, "OS/2 2.x (header of 64 bytes)"), (108, "header of 108 bytes")):
        entry = 3 if size == 12 else 4
        for bits in (1, 4, 8):
            show(f"h{size}_{bits}", file(header(size, bits), rows(bits, 1 << bits), table(palette(1 << bits), entry)), f"{bits} bits, {words}")
        show(f"h{size}_24", file(header(size, 24), deep(24, RGB24)), f"24 bits, {words}")
    for size in (52, 56, 124):
        show(f"h{size}_8", file(header(size, 8), rows(8, 40), table(palette(256))), f"8 bits, header of {size} bytes")
    show("top_down", file(header(40, 24, height=-HEIGHT), deep(24, RGB24, top_down=True)), "24 bits, the highest row first")
    show("16_555", file(header(40, 16), deep(16, (0x7C00, 0x3E0, 0x1F))), "16 bits without masks: 5-5-5")
    show("16_555_masks", file(header(56, 16, FIELDS, masks=(0x7C00, 0x3E0, 0x1F, 0x8000)), deep(16, (0x7C00, 0x3E0, 0x1F, 0x8000))), "16 bits, 5-5-5 with a bit of alpha, which is not used")
    show("32_no_alpha_used", file(header(108, 32, masks=(*RGB24[:3], 0xFF000000)), deep(32, (*RGB24[:3], 0xFF000000))), "32 bits without bit fields: a mask of alpha is not used")
    for name, masks in (("bgra", (*RGB24[:3], 0xFF000000)), ("rgba", (0xFF, 0xFF00, 0xFF0000, 0xFF000000)), ("abgr", (0xFF000000, 0xFF0000, 0xFF00, 0xFF)), ("bgar", (0xFF000000, 0xFF00, 0xFF, 0xFF0000))):
        show(f"32_{name}", file(header(124, 32, FIELDS, masks=masks), deep(32, masks)), f"32 bits by masks with alpha ({name.upper()})")
    show("32_xbgr", file(header(40, 32, FIELDS, masks=(0xFF000000, 0xFF0000, 0xFF00)), deep(32, (0xFF000000, 0xFF0000, 0xFF00))), "32 bits by masks without alpha, the last three bytes")
    show("32_masks_zero", file(header(56, 32, FIELDS, masks=(0, 0, 0, 0)), deep(32, (*RGB24[:3], 0xFF000000))), "32 bits by masks that are all 0: BGRA")
    show("few_colors", file(header(40, 8, colors=5), rows(8, 5), table(palette(5))), "8 bits, a palette of 5 colours")
    show("beyond_palette", file(header(40, 8, colors=5), rows(8, 30), table(palette(5))), "8 bits, indices beyond a palette of 5 colours: black")
    show("more_colors", file(header(40, 4, colors=100), rows(4, 16), table(palette(100))), "4 bits, a palette of 100 colours")
    show("offset_0", file(header(40, 8), rows(8, 30), table(palette(256)), offset=0), "8 bits, the offset of the pixels is 0")
    show("offset_palette", file(header(40, 8), rows(8, 30), table(palette(256)), offset=54), "8 bits, the offset of the pixels is that of the palette")
    show("gap_8", file(header(40, 8), rows(8, 30), table(palette(256)), gap=b"a gap"), "8 bits, a gap before the pixels")
    show("last_row_short", file(header(40, 24), deep(24, RGB24))[:-1], "24 bits, the last row is not filled up")
    show("trailing", file(header(40, 4), rows(4, 16), table(palette(16))) + b"what follows", "bytes behind the pixels")
    show("planes_0", file(header(40, 4)[:12] + b"\0\0" + header(40, 4)[14:], rows(4, 16), table(palette(16))), "a number of planes that is not 1")
    show("dib", file(header(40, 8), rows(8, 30), table(palette(256)))[14:], "without the header of a file (DIB)")
    show("rle4", file(header(40, 4, RLE4), runs(9, nibbles=True), table(palette(16))), "RLE4")
    show("rle8_literal", file(header(40, 8, RLE8), runs(40, literal=5), table(palette(256))), "RLE8 with pixels that are not packed")
    show("rle8_top_down", file(header(40, 8, RLE8, height=-HEIGHT), runs(9), table(palette(256))), "RLE8, the highest row first")
    moved = b"\5\7\0\2\3\1\5\x09\0\0" + b"\0\2\0\2" + runs(9)
    show("rle8_moves", file(header(40, 8, RLE8), moved, table(palette(256))), "RLE8 with moves; what they pass over has index 0")
    over = b"".join(bytes([WIDTH + 9, i + 1]) + b"\0\0" for i in range(HEIGHT))
    show("rle8_overrun", file(header(40, 8, RLE8), over, table(palette(256))), "RLE8, runs longer than the row, no end mark")


def shown_elsewhere(folder):
    """What Pillow refuses, or what it gets wrong."""

    def show(name, data, variant, want=None, by="OpenCV", mean=0):
        folder.show(name + ".bmp", data, FORMAT, variant, mean=mean, want=want or by_opencv(data), by=by)

    def source(bits=8):
        """The picture where all levels fit."""
        return picture(WIDTH, HEIGHT, lambda x, y: tuple(c >> 8 - bits << 8 - bits for c in colour(x, y)))

    indices = lambda colors, count: picture(WIDTH, HEIGHT, lambda x, y: colors[index(x, y, count)])
    show("2_bits", file(header(40, 2), rows(2, 4), table(palette(4))), "2 bits", indices(palette(4), 4), "the picture that was written")
    show("os2_16", file(header(16, 8), rows(8, 40), table(palette(256))), "8 bits, OS/2 2.x that ends behind the depth (header of 16 bytes)", indices(palette(256), 40), "the picture that was written")
    show("h48", file(header(48, 8), rows(8, 40), table(palette(256))), "8 bits, header of 48 bytes")
    black_white = [(0, 0, 0), (255, 255, 255)]
    show("8_black_white", file(header(40, 8, colors=2), rows(8, 2), table(black_white)), "8 bits, two colours, black and white: Pillow takes them for 1 bit")
    show("rle4_odd", file(header(40, 4, RLE4), runs(9, nibbles=True, literal=5), table(palette(16))), "RLE4 with an odd number of pixels that are not packed: Pillow loses its place")
    show("rle8_early_end", file(header(40, 8, RLE8), runs(9)[:60] + b"\0\0\0\1", table(palette(256))), "RLE8, the end mark comes early: index 0 from there")
    show("rle8_no_row_ends", file(header(40, 8, RLE8), runs(9, ends=False), table(palette(256))), "RLE8 without ends of rows")
    ten = (0x3FF00000, 0xFFC00, 0x3FF, 0)
    show("32_ten_bits", file(header(56, 32, FIELDS, masks=ten), deep(32, ten)), "32 bits by masks of 10 bits", mean=1)
    four = (0xF00, 0xF0, 0xF, 0)
    fours = picture(WIDTH, HEIGHT, lambda x, y: tuple((c >> 4) * 17 for c in colour(x, y)))
    show("16_444", file(header(40, 16, FIELDS, masks=four[:3]), deep(16, four)), "16 bits, masks 4-4-4", fours, "the picture that was written")
    rgb = (0xFF, 0xFF00, 0xFF0000, 0)
    show("24_masks", file(header(40, 24, FIELDS, masks=rgb[:3]), deep(24, rgb)), "24 bits by masks, red first", source(), "the picture that was written")
    show("32_alpha_fields", file(header(40, 32, ALPHA_FIELDS, masks=(*RGB24[:3], 0xFF000000)), deep(32, (*RGB24[:3], 0xFF000000), alpha=255)), "32 bits by masks, compression 6 (masks with alpha)", source(), "the picture that was written")
    literal = b""
    for y in reversed(range(HEIGHT)):
        literal += bytes([0, WIDTH]) + b"".join(bytes(colour(x, y)[::-1]) for x in range(WIDTH)) + b"\0" * (WIDTH * 3 % 2) + b"\0\0"
    show("rle24", file(header(64, 24, 4), literal + b"\0\1"), "RLE24 of OS/2 2.x", source(), "the picture that was written")


def refused(folder):
    def refuse(name, data, variant, words):
        folder.refuse(name + ".bmp", data, FORMAT, variant, words)

    whole = file(header(40, 24), deep(24, RGB24))
    refuse("truncated", whole[:-70], "the last row is missing", "pixels, 21x14 of 24 bits take")
    refuse("rle8_truncated", file(header(40, 8, RLE8), runs(9)[:60], table(palette(256))), "RLE8 that ends before the last pixel, without an end mark", "runs end before the last pixel")
    refuse("jpeg_inside", file(header(40, 0, JPEG), b"\xff\xd8\xff"), "a JPEG inside", "a JPEG inside a bitmap is not supported")
    refuse("png_inside", file(header(40, 0, PNG), b"\x89PNG"), "a PNG inside", "a PNG inside a bitmap is not supported")
    refuse("64_bits", file(header(40, 64), bytes(WIDTH * HEIGHT * 8)), "64 bits", "64 bits a pixel")
    refuse("huffman", file(header(64, 1, FIELDS), bytes(99), table(palette(2))), "Huffman codes of OS/2 2.x", "compression 3 of 1 bits a pixel")


kept = given("bmp", GIVEN)
folder = Folder("bmp")
for name, data in kept.items():
    folder.show(name, data, FORMAT, GIVEN[name])
shown(folder)
shown_elsewhere(folder)
refused(folder)
folder.close()
