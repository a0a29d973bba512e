#!/usr/bin/env python3
"""What: writes testdata/imaging/variants/gif. How to run: see rasters.py."""

import struct

from rasters import by_opencv, given, palette
from reference import Folder

WIDTH, HEIGHT = 22, 16
FORMAT = "GIF"
COLORS = palette(8)
GIVEN = {
    "gif_c_frame_outside.gif": "a frame that reaches beyond the screen, which grows",
    "gif_c_screen0.gif": "a screen of 0x0, which grows to the frame",
    "gif_c_toomuch.gif": "more pixels than the frame has",
}


class Codes:
    """Codes of growing size, the least bit first."""

    def __init__(self, bits):
        self.out, self.left, self.size = bytearray(), "", bits + 1

    def put(self, code):
        self.left = f"{code:0{self.size}b}" + self.left
        while len(self.left) >= 8:
            self.out.append(int(self.left[-8:], 2))
            self.left = self.left[:-8]

    def end(self):
        if self.left:
            self.out.append(int(self.left, 2))
        return bytes(self.out)


def lzw(pixels, bits, clears=True, ends=True):
    """Packed pixels. clears: the table is emptied when it is full, and at the start."""
    clear = 1 << bits
    codes = Codes(bits)
    table = {}

    def empty():
        table.clear()
        table.update({(i,): i for i in range(clear)})

    empty()
    if clears:
        codes.put(clear)
    following, known = clear + 2, ()
    for pixel in pixels:
        if known + (pixel,) in table:
            known += (pixel,)
            continue
        codes.put(table[known])
        if following < 4096:
            table[known + (pixel,)] = following
            following += 1
            if following - 1 == 1 << codes.size and codes.size < 12:
                codes.size += 1
        elif clears:
            codes.put(clear)
            codes.size, following = bits + 1, clear + 2
            empty()
        known = (pixel,)
    if known:
        codes.put(table[known])
        if following == 1 << codes.size and codes.size < 12:
            codes.size += 1
    if ends:
        codes.put(clear + 1)
    return codes.end()


def blocks(data, size=255, end=b"\0"):
    return b"".join(bytes([len(data[i : i + size])]) + data[i : i + size] for i in range(0, len(data), size)) + end


def table(colors):
    return b"".join(bytes(c) for c in colors)


def flags(colors):
    return 0x80 | (len(colors) - 1).bit_length() - 1 if colors else 0


def screen(width=WIDTH, height=HEIGHT, colors=COLORS, background=0, version=b"GIF89a"):
    return version + struct.pack("<HHBBB", width, height, flags(colors), background, 0) + table(colors)


def indices(width=WIDTH, height=HEIGHT, count=8):
    return [(x // 2 + y * 3) % count for y in range(height) for x in range(width)]


def frame(left=0, top=0, width=WIDTH, height=HEIGHT, bits=3, count=8, colors=(), interlaced=False, packed=None):
    pixels = indices(width, height, count)
    if interlaced:
        order = [y for first, step in ((0, 8), (4, 8), (2, 4), (1, 2)) for y in range(first, height, step)]
        pixels = [pixels[y * width + x] for y in order for x in range(width)]
    packed = blocks(lzw(pixels, bits)) if packed is None else packed
    head = b"," + struct.pack("<HHHHB", left, top, width, height, flags(colors) | 0x40 * interlaced)
    return head + table(colors) + bytes([bits]) + packed


def control(transparent=None, disposal=0):
    return b"!\xf9\x04" + bytes([disposal << 2 | (transparent is not None), 0, 0, transparent or 0, 0])


def shown(folder):
    def show(name, data, variant):
        folder.show(name + ".gif", data, FORMAT, variant)

    show("plain", screen() + frame() + b";", "one frame")
    show("87a", screen(version=b"GIF87a") + control(3) + frame() + b";", "GIF87a with an extension of GIF89a")
    show("interlaced", screen() + frame(interlaced=True) + b";", "interlaced")
    show("interlaced_low", screen(9, 3) + frame(width=9, height=3, interlaced=True) + b";", "interlaced, 3 rows")
    for name, before, words in (("", b"", "index 0 around it"), ("_transparent", control(5), "the transparent index around it")):
        show("offset" + name, screen(background=2) + before + frame(4, 3, 9, 8) + b";", f"a frame that is smaller than the screen, {words}")
        show("outside" + name, screen() + before + frame(15, 10, 12, 11) + b";", f"a frame that reaches beyond the screen, {words}")
        show("apart" + name, screen(6, 5) + before + frame(9, 8, 7, 6) + b";", f"a frame that lies outside the screen, {words}")
        show("no_table" + name, screen(colors=()) + before + frame(4, 3, 9, 8, bits=8, count=250) + b";", f"no table of colours: greys, {words}")
        show("local" + name, screen() + before + frame(4, 3, 9, 8, colors=palette(16)[8:]) + b";", f"a frame with a table of its own, {words}")
    show("screen_narrow", screen(0, 30) + frame() + b";", "a screen of no width")
    show("beyond_table", screen() + frame(bits=8, count=40) + b";", "indices beyond the table: black")
    show("transparent_beyond", screen() + control(30) + frame(bits=8, count=40) + b";", "a transparent index beyond the table")
    show("greys_in_order", screen(colors=[(i, i, i) for i in range(4)]) + frame(bits=8, count=250) + b";", "a table of greys in order: indices beyond it are greys too")
    show("two_controls", screen() + control(2) + control(5) + frame() + b";", "two graphic controls: the second one counts")
    show("control_without", screen() + control(2) + control() + frame() + b";", "a second graphic control without a transparent index: the first one stays")
    show("disposal", screen() + control(5, disposal=2) + frame(4, 3, 9, 8) + b";", "a frame that is to be removed later")
    show("bits_9", screen(colors=palette(256)) + frame(bits=9, count=200) + b";", "codes that begin with 10 bits")
    show("bits_12", screen(colors=palette(256)) + frame(bits=12, count=200) + b";", "codes that begin with 13 bits")
    flat = [0] * (64 * 48)
    show("table_full", screen(64, 48, palette(256)) + frame(width=64, height=48, bits=8, packed=blocks(lzw([i * i % 251 for i in range(64 * 48)], 8, clears=False))) + b";", "no clear code: the table stays full")
    show("long_runs", screen(64, 48) + frame(width=64, height=48, packed=blocks(lzw(flat, 3))) + b";", "long runs")
    show("no_end_code", screen() + frame(packed=blocks(lzw(indices(), 3, ends=False))) + b";", "no end code")
    show("no_trailer", screen() + frame(), "no trailer")
    show("no_end_block", screen() + frame(packed=blocks(lzw(indices(), 3), end=b"")), "no end of the blocks")
    show("block_1", screen() + frame(packed=blocks(lzw(indices(), 3), size=1)) + b";", "blocks of a byte")
    show("empty_block", screen() + frame(packed=blocks(lzw(indices(), 3)[:20], end=b"") + b"\0" + blocks(lzw(indices(), 3)[20:])) + b";", "an empty block among those of pixels")
    show("too_much_blocks", screen() + frame(packed=blocks(lzw(indices(), 3), end=b"") + blocks(b"junk" * 100)) + b";", "blocks of junk behind the last pixel")
    show("too_much_pixels", screen() + frame(packed=blocks(lzw(indices() * 3, 3))) + b";", "three times as many pixels as the frame has")
    show("garbage", screen() + b"\0\0xyz\xff" + frame() + b";", "garbage between blocks")
    show("comment", screen() + b"!\xfe\x05hello\0" + b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0" + frame() + b";", "a comment and an animation's count of loops")
    show("unknown_extension", screen() + b"!\x77\x04abcd\x02xy\0" + frame() + b";", "an extension of an unknown kind")
    show("plain_text", screen() + control(2) + b"!\x01\x0c" + bytes(12) + b"\x03abc\0" + frame() + b";", "a text between graphic control and frame")
    show("animated", screen() + control(2) + frame() + control(1) + frame(3, 3, 4, 4) + b";", "an animation: its first frame")


kept = given("gif", GIVEN)
folder = Folder("gif")
for name, data in kept.items():
    folder.show(name, data, FORMAT, GIVEN[name])
shown(folder)
greys = screen() + frame(colors=[(i, i, i) for i in range(8)]) + b";"
folder.show("local_greys.gif", greys, FORMAT, "a frame with a table of greys in order, and another one for all: Pillow takes that one", want=by_opencv(greys), by="OpenCV")
folder.refuse("no_frame.gif", screen() + b";", FORMAT, "no frame", "no frame")
folder.refuse("frame_0.gif", screen() + frame(width=0, height=5, packed=b"\0") + b";", FORMAT, "a frame of no width", "a frame of 0x5 pixels")
folder.refuse("too_short.gif", screen() + frame(packed=blocks(lzw(indices()[:-1], 3))) + b";", FORMAT, "the last pixel is missing", "the pixels end before the last one")
folder.refuse("truncated.gif", (screen() + frame())[:-20], FORMAT, "truncated", "the pixels end before the last one")
folder.refuse("broken_code.gif", screen() + frame(packed=blocks(b"\xc8\xff\xff\xff")) + b";", FORMAT, "a code that stands for nothing", "a code that stands for nothing")
folder.close()
