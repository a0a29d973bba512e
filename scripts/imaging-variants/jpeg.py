#!/usr/bin/env python3
"""What: writes testdata/imaging/variants/jpeg. How to run: see reference.py; it needs
cjpeg of libjpeg-turbo 2.1.5 (Debian's libjpeg-turbo-progs) as well.

Files named reported_* are kept: they were made by hand after public bug reports.
"""

import io
import subprocess
import tempfile

from PIL import Image

from reference import ROOT, Folder

MARKERS = {"SOF0": 0xC0, "SOF1": 0xC1, "SOF3": 0xC3, "DHT": 0xC4, "DQT": 0xDB, "APP0": 0xE0, "APP14": 0xEE}
REPORTED = {
    "F1_progressive_restart_420": "progressive, 4:2:0, restart intervals",
    "jpg_arith": "arithmetic coding",
    "jpg_cmyk_noadobe": "CMYK without Adobe's marker",
    "jpg_mjpeg_noDHT": "a frame of MJPEG, without Huffman tables",
    "jpg_rst_163x121_2x1_2-scans": "4:2:2 in two scans, restart intervals",
    "jpg_s2x2_1x1_1x2": "chroma sampled 1x1 and 1x2 of 2x2",
    "jpg_s3x1": "sampling 3x1",
    "jpg_trailing_zero": "zeros instead of the end's marker",
}


def scene(width, height):
    """A picture with slopes and edges, by whole-number arithmetic."""
    image = Image.new("RGB", (width, height))
    image.putdata([((x * 5 + y) % 256, (y * 7) % 256, 255 * ((x // 8 + y // 8) % 2)) for y in range(height) for x in range(width)])
    return image


def encoded(image, **options):
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


def cjpeg(*options, image=None, scans=None):
    out = io.BytesIO()
    (image or small).save(out, "PPM")
    command = ["cjpeg", "-quality", "60", *options]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        if scans:
            file.write(scans)
            file.flush()
            command += ["-scans", file.name]
        return subprocess.run(command, input=out.getvalue(), capture_output=True, check=True).stdout


def segments(data):
    """Splits into segments; the last part is all that follows the first scan's head."""
    at, parts = 2, []
    while True:
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        parts.append(data[at : at + 2 + size])
        at += 2 + size
        if parts[-1][1] == 0xDA:
            return [*parts, data[at:]]


def joined(parts, between=b""):
    return b"\xff\xd8" + between.join(parts[:-1]) + parts[-1]


def without(data, *names):
    codes = [MARKERS[name] for name in names]
    return joined([p for p in segments(data)[:-1] if p[1] not in codes] + segments(data)[-1:])


def changed(data, name, change):
    code = MARKERS[name]
    return joined([change(p) if p[1] == code else p for p in segments(data)[:-1]] + segments(data)[-1:])


def with_adobe(data, transform):
    parts = segments(without(data, "APP14"))
    return joined([b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([transform]), *parts])


def with_ids(data, ids):
    parts = segments(data)
    for i, part in enumerate(parts[:-1]):
        part = bytearray(part)
        if part[1] in (0xC0, 0xC2):
            part[10::3] = bytes(ids)
        if part[1] == 0xDA:
            part[5 : 5 + 2 * part[4] : 2] = bytes(ids)
        parts[i] = bytes(part)
    return joined(parts)


def wide_table(part):
    """A table of quantization with 16 bits a value."""
    out, values = b"", part[4:]
    while values:
        out += bytes([values[0] | 16]) + b"".join(bytes([0, v]) for v in values[1:65])
        values = values[65:]
    return b"\xff\xdb" + (len(out) + 2).to_bytes(2, "big") + out


reported = {name: (ROOT / "jpeg" / f"reported_{name}.jpg").read_bytes() for name in REPORTED}
small = scene(35, 27)
base, progressive, rgb = cjpeg(), cjpeg("-progressive"), cjpeg("-rgb")
cmyk = encoded(small.convert("CMYK"), quality=60)
folder = Folder("jpeg")


def show(name, data, variant, mean=0.5, **options):
    folder.show(name + ".jpg", data, "JPEG", variant, mean=mean, **options)


folder.show("baseline_420.jpg", encoded(scene(61, 47), quality=90, subsampling=2), "JPEG", "baseline, 4:2:0", mean=0.5)
for name, variant in REPORTED.items():
    show(f"reported_{name}", reported[name], variant)
for sampling in ("1x2", "4x1", "1x4", "4x2", "2x4", "1x3", "3x2", "1x1,2x1,1x1", "1x1,2x2,2x2", "2x2,2x1,1x2", "2x2,2x2,2x2", "4x1,2x1,2x1"):
    name = sampling.replace(",", "_")
    if sampling != "2x2,2x2,2x2":  # 12 blocks in a unit, more than a scan may have
        show(f"sampling_{name}", cjpeg("-sample", sampling), f"sampling {sampling}")
    show(f"scans_{name}", cjpeg("-sample", sampling, "-restart", "2B", scans="0;\n1;\n2;\n"), f"sampling {sampling}, a scan for each component, restart intervals")
for sampling in ("2x2", "2x1", "4x1", "3x1", "1x1"):
    show(f"progressive_restart_{sampling}", cjpeg("-progressive", "-restart", "1", "-sample", sampling), f"progressive, sampling {sampling}, restart intervals")
show("sequential_restart", cjpeg("-restart", "3B"), "4:2:0, restart intervals")
show("arithmetic_progressive", cjpeg("-arithmetic", "-progressive", "-restart", "2B"), "progressive, arithmetic coding, restart intervals")
show("arithmetic_gray", cjpeg("-arithmetic", "-grayscale"), "gray, arithmetic coding")
show("gray_sampling", cjpeg("-grayscale", "-sample", "2x2", "-restart", "2B"), "gray, sampling 2x2, restart intervals")
show("rgb", rgb, "RGB, by Adobe's marker")
show("rgb_by_ids", without(rgb, "APP14"), "RGB, by the components' names")
show("rgb_jfif", joined([segments(base)[0], *segments(rgb)]), "YCbCr by JFIF's marker, RGB by Adobe's")
show("ycc_called_rgb", with_adobe(without(with_ids(base, b"RGB"), "APP0"), 1), "YCbCr by Adobe's marker, components named R, G, B")
show("rgb_subsampled", with_adobe(without(base, "APP0"), 0), "RGB by Adobe's marker, subsampled")
show("cmyk", cmyk, "CMYK, by Adobe's marker")
show("cmyk_progressive", without(encoded(small.convert("CMYK"), quality=60, progressive=True), "APP14"), "CMYK, progressive, without Adobe's marker")
show("ycck", with_adobe(cmyk, 2), "YCCK")
show("no_tables_gray", without(encoded(small.convert("L"), quality=60), "DHT"), "gray, without Huffman tables")
show("wide_tables", changed(base, "DQT", wide_table), "tables of quantization with 16 bits")
show("extended", changed(base, "SOF0", lambda p: b"\xff\xc1" + p[2:]), "extended sequential")
show("fill", joined(segments(base), b"\xff\xff\xff"), "fill bytes between segments")
show("garbage", joined([segments(base)[0] + b"\x00\x01\x02", *segments(base)[1:]]), "bytes between segments", want=Image.open(io.BytesIO(base)).convert("RGB"), by="Pillow without them")
for name, data in (("lost_end", base), ("lost_end_progressive", progressive), ("lost_end_gray", cjpeg("-grayscale"))):
    show(name, data[:-2], "the end's marker lost, " + name.removeprefix("lost_end").strip("_"), want=Image.open(io.BytesIO(data)).convert("RGB"), by="Pillow with it")
show("trailing", base + b"\x00\xff\xd8 more", "bytes behind the end")


def refuse(name, data, variant, words):
    folder.refuse(name + ".jpg", data, "JPEG", variant, words)


refuse("truncated", base[:-40], "truncated", "premature end")
refuse("truncated_progressive", progressive[:-40], "progressive, truncated", "ends before the last scan")
refuse("truncated_ended", base[:-40] + b"\xff\xd9", "data missing before the end's marker", "premature end")
refuse("bits_12", changed(base, "SOF0", lambda p: p[:4] + b"\x0c" + p[5:]), "12 bits a sample", "12 bits a sample")
refuse("lossless", changed(base, "SOF0", lambda p: b"\xff\xc3" + p[2:]), "lossless", "a lossless JPEG")
refuse("no_quantization", without(base, "DQT"), "without tables of quantization", "Quantization table")
refuse("components_2", changed(base, "SOF0", lambda p: p[:3] + bytes([p[3] - 3]) + p[4:9] + b"\x02" + p[10:-3]), "2 components", "2 components")
folder.close()
