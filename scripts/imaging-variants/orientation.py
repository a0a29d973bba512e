#!/usr/bin/env python3
"""What: writes testdata/imaging/variants/orientation. How to run: see reference.py."""

import io
import struct
import zlib

from PIL import Image

from reference import ROOT, Folder

TURN = 274
# Type numbers of TIFF, with how struct packs a value.
TYPES = {
    "BYTE": (1, "B"), "ASCII": (2, "B"), "SHORT": (3, "H"), "LONG": (4, "L"), "RATIONAL": (5, "LL"), "SBYTE": (6, "b"),
    "UNDEFINED": (7, "B"), "SSHORT": (8, "h"), "SLONG": (9, "l"), "SRATIONAL": (10, "ll"), "FLOAT": (11, "f"),
    "DOUBLE": (12, "d"), "IFD": (13, "L"), "LONG8": (16, "Q"), "SLONG8": (17, "q"),
}


def scene(width=23, height=14):
    """A picture that no turn leaves as it is."""
    image = Image.new("RGB", (width, height), (250, 250, 250))
    image.paste((200, 30, 30), (0, 0, width // 2, height // 3))
    image.paste((20, 60, 180), (0, height // 3, width // 4, height))
    image.paste((30, 160, 60), (width - 5, height - 4, width, height))
    return image


def values(order, kind, value, count):
    number, pack = TYPES[kind]
    if kind == "ASCII":
        return number, count, (b"%d\0" % value)[:count].ljust(count, b"\0")
    one = struct.pack(order + pack, *([value, 1] if len(pack) == 2 else [value]))
    return number, count, one + one[::-1] * (count - 1)  # what follows the first must not matter


def block(kind="SHORT", value=6, count=1, order="<", mark=None, before=(), gap=0):
    """A TIFF structure of one directory. before: entries (tag, type, count, field) ahead of the orientation."""
    mark = mark or (b"II*\0" if order == "<" else b"MM\0*")
    number, count, data = values(order, kind, value, count)
    entries = len(before) + 1
    out = mark + struct.pack(order + "L", 8 + gap) + bytes(gap) + struct.pack(order + "H", entries)
    for tag, its_type, its_count, field in before:
        out += struct.pack(order + "HHL", tag, its_type, its_count) + field
    out += struct.pack(order + "HHL", TURN, number, count)
    if len(data) <= 4:
        return out + data.ljust(4, b"\0") + bytes(4)
    return out + struct.pack(order + "L", len(out) + 8) + bytes(4) + data


def jpeg(segments, image=None):
    out = io.BytesIO()
    (image or scene()).save(out, "JPEG", quality=95, subsampling=0)
    encoded = out.getvalue()
    framed = b"".join(b"\xff" + bytes([marker]) + struct.pack(">H", len(payload) + 2) + payload for marker, payload in segments)
    return encoded[:2] + framed + encoded[2:]


def app1(exif, prefix=b"Exif\0\0"):
    return 0xE1, prefix + exif


def xap(packet):
    return 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet


def chunk(kind, payload):
    return struct.pack(">L", len(payload)) + kind + payload + struct.pack(">L", zlib.crc32(kind + payload))


def png(before=b"", after=b"", image=None):
    out = io.BytesIO()
    (image or scene()).save(out, "PNG")
    encoded = out.getvalue()
    return encoded[:33] + before + encoded[33:-12] + after + encoded[-12:]


def webp(flags, chunks):
    out = io.BytesIO()
    scene().save(out, "WEBP", lossless=True)
    still = out.getvalue()[12:]
    width, height = scene().size
    head = struct.pack("<4sLBBBB", b"VP8X", 10, flags, 0, 0, 0) + struct.pack("<L", width - 1)[:3] + struct.pack("<L", height - 1)[:3]
    body = b"WEBP" + head + still + b"".join(struct.pack("<4sL", kind, len(data)) + data + bytes(len(data) % 2) for kind, data in chunks)
    return b"RIFF" + struct.pack("<L", len(body)) + body


def tiff(kind="SHORT", value=6, count=1, order="<", xmp=None, turned=True, xmp_type=1):
    """An RGB TIFF of one strip, written by hand."""
    image = scene()
    pixels = image.tobytes()
    start, wide = 8, 4  # bytes of the header, of an entry's last field
    entries, tail = [], pixels
    number, n, data = values(order, kind, value, count)

    def add(tag, its_type, its_count, payload):
        nonlocal tail
        if len(payload) > wide:
            place, tail = start + len(tail), tail + payload + bytes(len(payload) % 2)
            payload = struct.pack(order + "L", place)
        entries.append((tag, struct.pack(order + "HHL", tag, its_type, its_count) + payload.ljust(wide, b"\0")))

    def long(tag, number):
        add(tag, 4, 1, struct.pack(order + "L", number))

    tail += bytes(len(tail) % 2)
    long(256, image.width)
    long(257, image.height)
    add(258, 3, 3, struct.pack(order + "HHH", 8, 8, 8))
    for tag, short in [(259, 1), (262, 2), (277, 3)]:
        add(tag, 3, 1, struct.pack(order + "H", short))
    long(273, start)
    long(278, image.height)
    long(279, len(pixels))
    if turned:
        add(TURN, number, n, data)
    if xmp:
        add(700, xmp_type, len(xmp), xmp)
    directory = b"".join(entry for _, entry in sorted(entries))
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HL", 42, start + len(tail))
    return head + tail + struct.pack(order + "H", len(entries)) + directory + bytes(wide)


ATTRIBUTE = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="%d"/></x:xmpmeta>'
ELEMENT = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><tiff:Orientation>%d</tiff:Orientation></x:xmpmeta>"


def itxt(packet, packed=False, name=b"XML:com.adobe.xmp"):
    return chunk(b"iTXt", name + b"\0" + bytes([packed, 0]) + b"\0\0" + (zlib.compress(packet) if packed else packet))


def raw_profile(exif):
    digits = (b"Exif\0\0" + exif).hex()
    lines = "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    return f"\nexif\n{len(exif) + 6:8d}\n{lines}\n".encode()


EXIF, XMP = 8, 4  # flags of a WebP


def types(folder):
    """Every type of number, with a second value behind the first."""
    for kind in TYPES:
        turned = kind not in ("BYTE", "ASCII", "UNDEFINED", "SLONG8")
        what = "turned" if turned else "not turned"
        order, count = (">", 3) if turned and kind != "SHORT" else ("<", 1)
        folder.show(f"exif_{kind.lower()}_6.jpg", jpeg([app1(block(kind, 6, count, order))]), "JPEG",
                    f"EXIF orientation as {kind}{' with a count of 3, big endian' if count > 1 else ''}: {what}", mean=0.5)
    for kind, order in [("LONG", ">"), ("SSHORT", ">"), ("SLONG", "<"), ("SBYTE", ">")]:
        folder.show(f"tag_{kind.lower()}_8.tif", tiff(kind, 8, 2, order), "TIFF", f"orientation as {kind} with a count of 2")


def places(folder):
    """Blocks in each container, where programs put them."""
    exif = block("LONG", 5)
    text = (b"http://ns.adobe.com/xap/1.0/\0" + ELEMENT % 1)
    folder.show("exif_second.jpg", jpeg([(0xE1, text), (0xED, b"Photoshop 3.0\0"), app1(exif)]), "JPEG", "Exif behind other APP segments", mean=0.5)
    folder.show("exif_split.jpg", jpeg([app1(block("SLONG", 7, 2)[:-8]), app1(block("SLONG", 7, 2)[-8:])]), "JPEG", "Exif in two APP1 segments", mean=0.5)
    folder.show("exif_ff.jpg", jpeg([app1(exif, b"Exif\0\xff")]), "JPEG", "Exif with a wrong last byte in its name: not read", mean=0.5)
    folder.show("exif_odd_offset.jpg", jpeg([app1(block("SLONG", 3, 2, ">", gap=3))]), "JPEG", "EXIF directory at an odd offset", mean=0.5)
    folder.show("exif_swapped_mark.jpg", jpeg([app1(block("SHORT", 6, mark=b"II\0*"))]), "JPEG", "EXIF whose mark has its bytes swapped", mean=0.5)
    folder.show("exif_damaged.jpg", jpeg([app1(block(before=[(270, 2, 99, struct.pack("<L", 9999))]))]), "JPEG",
                "EXIF with a value out of the block before the orientation: not turned", mean=0.5)
    folder.show("exif_out_of_range.jpg", jpeg([app1(block("LONG", 66000)), xap(ATTRIBUTE % 6)]), "JPEG",
                "EXIF orientation out of range: not turned, whatever XMP says", mean=0.5)
    folder.show("exif_twice.jpg", jpeg([app1(block(before=[(TURN, 3, 1, struct.pack("<HH", 3, 0))]))]), "JPEG", "two EXIF orientations: the last one", mean=0.5)
    folder.show("exif_before.png", png(chunk(b"eXIf", exif)), "PNG", "EXIF chunk before the pixels")
    folder.show("exif_after.png", png(after=chunk(b"eXIf", b"Exif\0\0" + exif)), "PNG", "EXIF chunk behind the pixels, with JPEG's prefix")
    folder.show("exif_raw_profile.png", png(chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw_profile(exif)))), "PNG", "EXIF as ImageMagick's text, compressed")
    folder.show("exif_plain.webp", webp(EXIF, [(b"EXIF", exif)]), "WebP", "EXIF chunk without JPEG's prefix")
    folder.show("exif_prefixed.webp", webp(EXIF, [(b"EXIF", b"Exif\0\0" + exif)]), "WebP", "EXIF chunk with JPEG's prefix")
    folder.show("exif_unannounced.webp", webp(0, [(b"EXIF", exif)]), "WebP", "EXIF chunk that the header does not announce: not read")


def packets(folder):
    """XMP, which counts where there is no EXIF orientation."""
    folder.show("xmp_attribute.jpg", jpeg([xap(ATTRIBUTE % 6)]), "JPEG", "XMP orientation, an attribute", mean=0.5)
    folder.show("xmp_element.jpg", jpeg([xap(ELEMENT % 8)]), "JPEG", "XMP orientation, an element", mean=0.5)
    folder.show("xmp_beside_exif.jpg", jpeg([app1(block(value=3)), xap(ATTRIBUTE % 6)]), "JPEG", "EXIF and XMP orientation: EXIF's", mean=0.5)
    folder.show("xmp_plain.png", png(itxt(ATTRIBUTE % 5)), "PNG", "XMP orientation")
    folder.show("xmp_packed.png", png(after=itxt(ELEMENT % 7, packed=True)), "PNG", "XMP orientation, compressed, behind the pixels")
    folder.show("xmp.webp", webp(XMP, [(b"XMP ", ATTRIBUTE % 2)]), "WebP", "XMP orientation")
    folder.show("xmp.tif", tiff(xmp=ATTRIBUTE % 6, turned=False), "TIFF", "XMP orientation")
    folder.show("xmp_beside_tag.tif", tiff(value=1, xmp=ATTRIBUTE % 6), "TIFF", "upright by its tag: XMP is not asked")


# Files made by hand after public reports: they are not drawn here, but kept.
REPORTED = {
    "reported_exif_long_6.jpg": ("JPEG", "EXIF orientation as LONG, of a phone", 0.5),
    "reported_tif_orient6_long.tif": ("TIFF", "orientation as LONG", 0),
    "reported_png_xmp_orient.png": ("PNG", "XMP orientation alone", 0),
    "reported_webcam_exif6.jpg": ("JPEG", "EXIF orientation, a still for the webcam client", 0.5),
    "reported_webcam_alpha.png": ("PNG", "alpha, a still for the webcam client", 0),
}


def reported(folder, files):
    """The files that are kept."""
    for name, (format, variant, mean) in REPORTED.items():
        folder.show(name, files[name], format, variant, mean=mean)


def main():
    files = {name: (ROOT / "orientation" / name).read_bytes() for name in REPORTED}
    folder = Folder("orientation")
    types(folder)
    places(folder)
    packets(folder)
    reported(folder, files)
    folder.close()


if __name__ == "__main__":
    main()
