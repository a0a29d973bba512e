#!/usr/bin/env python3
"""What: writes testdata/imaging/variants/pnm. How to run: see rasters.py."""

import struct

from rasters import picture
from reference import Folder

WIDTH, HEIGHT = 13, 9
FORMAT = "PNM"


def level(x, y, channel, most):
    return (x * (19 + 7 * channel) + y * (37 - 9 * channel) + 50 * channel) % (most + 1)


def head(kind, most=None, comment=b""):
    return b"P%d\n%s%d %d\n" % (kind, comment, WIDTH, HEIGHT) + (b"%d\n" % most if most else b"")


def samples(channels, most):
    return [level(x, y, c, most) for y in range(HEIGHT) for x in range(WIDTH) for c in range(channels)]


def packed(channels, most):
    form = "B" if most < 256 else ">H"
    return b"".join(struct.pack(form, v) for v in samples(channels, most))


def digits(channels, most, between=b" "):
    return between.join(b"%d" % v for v in samples(channels, most)) + b"\n"


def bits():
    out = b""
    for y in range(HEIGHT):
        line = "".join(str(level(x, y, 0, 6) % 2) for x in range(WIDTH)) + "0" * (-WIDTH % 8)
        out += int(line, 2).to_bytes(len(line) // 8, "big")
    return out


folder = Folder("pnm")


def show(name, data, variant, **options):
    folder.show(name, data, FORMAT, variant, **options)


show("bits.pbm", head(4) + bits(), "PBM, packed")
show("digits.pbm", head(1) + b"".join(b"%d" % (level(x, y, 0, 6) % 2) for y in range(HEIGHT) for x in range(WIDTH)), "PBM in digits without spaces")
show("lines.pbm", head(1) + b"# rows\n" + b"\n".join(b" ".join(b"%d" % (level(x, y, 0, 6) % 2) for x in range(WIDTH)) for y in range(HEIGHT)) + b"\n", "PBM in digits, with spaces and a comment")
show("grey.pgm", head(5, 255) + packed(1, 255), "PGM, packed")
show("comment.pgm", head(5, 255, b"# made by hand\n#\n") + packed(1, 255), "PGM with comments")
show("grey_100.pgm", head(5, 100) + packed(1, 100), "PGM, white is level 100")
show("grey_2.pgm", head(5, 2) + packed(1, 2), "PGM, white is level 2")
show("above_white.pgm", head(5, 100) + packed(1, 255), "PGM with levels above white: white")
show("digits.pgm", head(2, 255) + digits(1, 255), "PGM in digits")
show("digits_15.pgm", head(2, 15) + digits(1, 15, b"\n"), "PGM in digits, white is level 15")
show("colour.ppm", head(6, 255) + packed(3, 255), "PPM, packed")
show("colour_170.ppm", head(6, 170) + packed(3, 170), "PPM, white is level 170")
show("colour_65535.ppm", head(6, 65535) + packed(3, 65535), "PPM of 16 bits")
show("digits.ppm", head(3, 255) + digits(3, 255), "PPM in digits")
show("digits_1000.ppm", head(3, 1000) + digits(3, 1000), "PPM in digits, white is level 1000")
show("trailing.ppm", head(6, 255) + packed(3, 255) + b"what follows", "bytes behind the pixels")
high = picture(WIDTH, HEIGHT, lambda x, y: (level(x, y, 0, 65535) >> 8,) * 3)
show("grey_65535.pgm", head(5, 65535) + packed(1, 65535), "PGM of 16 bits, which Pillow cuts at level 255", want=high, by="the picture that was written", mean=0.5)
folder.refuse("truncated.pgm", (head(5, 255) + packed(1, 255))[:-1], FORMAT, "truncated", "pixels, 13x9 take 117 at least")
folder.refuse("truncated.ppm", (head(3, 255) + digits(3, 255))[:-20], FORMAT, "digits that end before the last pixel", "the pixels end before the last one")
folder.refuse("white_0.pgm", head(5) + b"0\n" + packed(1, 255), FORMAT, "white is level 0", "white is level 0")
folder.refuse("above_white.ppm", head(3, 100) + digits(3, 255), FORMAT, "digits above white", "where white is 100")
folder.close()
