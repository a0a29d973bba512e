#!/usr/bin/env python3
"""What: writes testdata/imaging/variants/profile: pictures with colour profiles, and what
Pillow's ImageCms (Little CMS) makes of them: sRGB by relative colorimetric intent,
without black point compensation. All profiles are written here, number by number.
How to run: see reference.py; pip install pillow-heif==1.8.1, too.
"""

import io
import struct
import zlib

import numpy as np
import pillow_heif
from PIL import Image, ImageCms, ImageFilter, ImageOps

from reference import Folder, upright_rgb

D50 = np.array([0.9642, 1.0, 0.8249])
D65 = (0.3127, 0.3290)

GAMUTS = {  # x and y of red, green, blue and white
    "srgb": (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, *D65),
    "p3": (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *D65),
    "adobe": (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, *D65),
    "prophoto": (0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001, 0.3457, 0.3585),
    "rec2020": (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *D65),
}


# --- profiles ----------------------------------------------------------------

def to_xyz(gamut):
    """Linear light to XYZ under D50, by Bradford's adaptation."""
    points = np.array(GAMUTS[gamut]).reshape(4, 2)
    xyz = np.array([(x / y, 1, (1 - x - y) / y) for x, y in points]).T
    matrix = xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3])
    cones = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    scale = np.diag((cones @ D50) / (cones @ xyz[:, 3]))
    return np.linalg.inv(cones) @ scale @ cones @ matrix


def fixed(*numbers):
    return b"".join(struct.pack(">l", round(float(n) * 65536)) for n in numbers)


def curv(*samples):
    return b"curv\0\0\0\0" + struct.pack(f">L{len(samples)}H", len(samples), *samples)


def gamma(g):
    return curv(round(g * 256))


def sampled(function, count):
    return curv(*(round(65535 * min(max(function(i / (count - 1)), 0), 1)) for i in range(count)))


def para(form, *numbers):
    return b"para\0\0\0\0" + struct.pack(">HH", form, 0) + fixed(*numbers)


SRGB_CURVE = para(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def srgb_linear(x):
    return x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4


def profile(tags, space=b"RGB ", pcs=b"XYZ ", version=4, device=b"mntr"):
    """Tags (name, data) -> profile. Equal data is stored once, as programs do."""
    description = "made by hand"
    if version >= 4:
        text = description.encode("utf-16-be")
        text = b"mluc\0\0\0\0" + struct.pack(">LL4sLL", 1, 12, b"enUS", len(text), 28) + text
    else:
        plain = description.encode() + b"\0"
        text = b"desc\0\0\0\0" + struct.pack(">L", len(plain)) + plain + bytes(78)
    tags = [(b"desc", text), (b"wtpt", b"XYZ \0\0\0\0" + fixed(*D50)), *tags]
    start, body, places, rows = 128 + 4 + 12 * len(tags), b"", {}, b""
    for name, data in tags:
        if data not in places:
            places[data] = start + len(body)
            body += data + bytes(-len(data) % 4)
        rows += struct.pack(">4sLL", name, places[data], len(data))
    head = struct.pack(">L4sBBH4s4s4s", start + len(body), b"\0\0\0\0", version, 0, 0, device, space, pcs)
    head += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(24) + struct.pack(">L", 1) + fixed(*D50)
    return head.ljust(128, b"\0") + struct.pack(">L", len(tags)) + rows + body


def by_matrix(gamut, curves, version=4):
    curves = curves if isinstance(curves, list) else [curves] * 3
    columns = to_xyz(gamut).T
    tags = [(name + b"XYZ", b"XYZ \0\0\0\0" + fixed(*column)) for name, column in zip([b"r", b"g", b"b"], columns)]
    return profile(tags + [(name + b"TRC", c) for name, c in zip([b"r", b"g", b"b"], curves)], version=version)


def gray(curve, pcs=b"XYZ ", version=4):
    return profile([(b"kTRC", curve)], b"GRAY", pcs, version)


def lab(xyz):
    t = xyz / D50
    f = np.where(t > (24 / 116) ** 3, np.cbrt(t), t * 841 / 108 + 16 / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


def grid(points, gamut="adobe", power=1.8, inputs=3):
    """Colours in XYZ at even steps of device values."""
    axis = np.linspace(0, 1, points)
    if inputs == 1:
        return axis[:, None] ** power * D50
    device = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1)
    return device**power @ to_xyz(gamut).T


def mft(kind, values, points, inputs=3, in_curve=lambda x: x, out_curve=lambda x: x, entries=256):
    """mft1 or mft2, of values of 0 to 1."""
    top, code = (255, "B") if kind == b"mft1" else (65535, ">H")
    pack = lambda a: np.clip(np.round(np.asarray(a) * top), 0, top).astype(code).tobytes()
    ramp = np.linspace(0, 1, entries)
    head = kind + b"\0\0\0\0" + bytes([inputs, 3, points, 0]) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    head += struct.pack(">HH", entries, entries) if kind == b"mft2" else b""
    return head + pack(in_curve(ramp)) * inputs + pack(values) + pack(out_curve(ramp)) * 3


def lab_values(xyz, kind):
    values = (lab(xyz) + [0, 128, 128]) / [100, 255, 255]
    return values * 65280 / 65535 if kind == b"mft2" else values


def mab(values, points, a=None, m=None, matrix=None, b=None, width=2, inputs=3):
    """mAB of values of 0 to 1; curves are one for all channels."""
    body, places = b"", {}

    def add(name, data):
        nonlocal body
        places[name], body = 32 + len(body), body + data + bytes(-len(data) % 4)

    curves = lambda c, n: (c + bytes(-len(c) % 4)) * n
    add("b", curves(b or para(0, 1), 3))
    if matrix is not None:
        add("matrix", fixed(*matrix))
    if m:
        add("m", curves(m, 3))
    if values is not None:
        top, code = (255, "B") if width == 1 else (65535, ">H")
        samples = np.clip(np.round(values * top), 0, top).astype(code).tobytes()
        add("clut", bytes([points] * inputs).ljust(16, b"\0") + bytes([width, 0, 0, 0]) + samples)
    if a:
        add("a", curves(a, inputs))
    return b"mAB \0\0\0\0" + bytes([inputs, 3, 0, 0]) + struct.pack(">5L", *(places.get(n, 0) for n in ("b", "matrix", "m", "clut", "a"))) + body


# --- pictures ----------------------------------------------------------------

def scene(width=40, height=30):
    """Ramps of each colour and of gray, and pure colours."""
    image = Image.new("RGB", (width, height))
    image.putdata([
        ((x * 255 // (width - 1)) * (y % 4 in (0, 3)), (y * 255 // (height - 1)) if y % 4 != 2 else x * 255 // (width - 1), ((x + y) * 7 % 256) * (y % 3 > 0))
        for y in range(height) for x in range(width)
    ])
    return image


def encoded(image, format, **options):
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def chunk(kind, payload):
    return struct.pack(">L", len(payload)) + kind + payload + struct.pack(">L", zlib.crc32(kind + payload))


def managed(data, icc=None):
    """Encoded image -> upright sRGB on white, as ImageCms has it."""
    image = Image.open(io.BytesIO(data))
    image.load()
    icc = icc or image.info["icc_profile"]
    image = ImageOps.exif_transpose(image)
    alpha = image.convert("RGBA").getchannel("A")
    source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    image = image.convert("L" if source.profile.xcolor_space.strip() == "GRAY" else "RGB")
    image = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), ImageCms.Intent.RELATIVE_COLORIMETRIC, "RGB", flags=0)
    paper = Image.new("RGB", image.size, (255, 255, 255))
    paper.paste(image, mask=alpha)
    return paper


BY = "ImageCms"
P3 = by_matrix("p3", SRGB_CURVE)


class Profiles(Folder):
    def turned(self, name, data, format, variant, icc=None, mean=0.25):
        self.show(name, data, format, variant, mean=mean, want=managed(data, icc), by=BY)

    def png(self, name, icc, variant, image=None, mean=0.25):
        self.turned(name, encoded(image or scene(), "PNG", icc_profile=icc), "PNG", variant, mean=mean)


def matrices(folder):
    rec709 = para(3, 1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081)
    for name, icc, variant in [
        ("display_p3", P3, "profile: Display P3, version 4"),
        ("adobe_v2", by_matrix("adobe", curv(563), 2), "profile: Adobe RGB's gamut, gamma 563/256, version 2"),
        ("prophoto_v2", by_matrix("prophoto", gamma(1.8), 2), "profile: ProPhoto's gamut, gamma 1.8, version 2"),
        ("rec2020", by_matrix("rec2020", rec709), "profile: Rec. 2020"),
        ("linear", by_matrix("srgb", curv()), "profile: linear light"),
        ("sampled_v2", by_matrix("p3", sampled(srgb_linear, 1024), 2), "profile: curves of 1024 samples"),
        ("sampled_few", by_matrix("adobe", sampled(lambda x: x**2.2, 17)), "profile: curves of 17 samples"),
        ("three_curves", by_matrix("p3", [gamma(2.2), gamma(1.8), SRGB_CURVE]), "profile: another curve for each channel"),
        ("para0", by_matrix("p3", para(0, 2.4)), "profile: formula 0"),
        ("para1", by_matrix("p3", para(1, 2.2, 1 / 1.1, 0.1 / 1.1)), "profile: formula 1"),
        ("para2", by_matrix("p3", para(2, 2.2, 1 / 1.1, 0.1 / 1.1, 0.02)), "profile: formula 2"),
        ("para4", by_matrix("p3", para(4, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045, 0, 0)), "profile: formula 4"),
    ]:
        folder.png(name + ".png", icc, variant)


def grays(folder):
    image = scene().convert("L")
    for name, icc, variant in [
        ("gray_gamma", gray(gamma(2.2)), "profile: gray, gamma 2.2"),
        ("gray_linear", gray(curv(), version=2), "profile: gray, linear"),
        ("gray_dot_gain", gray(sampled(lambda x: 1 - (1 - x + 0.8 * x * (1 - x)), 256), version=2), "profile: gray, dot gain of 20 %"),
        ("gray_lab", gray(gamma(1.2), b"Lab "), "profile: gray that leads to Lab"),
        ("gray_table", profile([(b"A2B0", mft(b"mft2", lab_values(grid(33, inputs=1), b"mft2"), 33, 1))], b"GRAY", b"Lab ", 2), "profile: gray by table"),
    ]:
        folder.png(name + ".png", icc, variant, image)
    folder.png("rgb_on_gray.png", by_matrix("adobe", gamma(1.8)), "gray pixels with a profile of RGB", image)
    plain = encoded(scene(), "PNG", icc_profile=gray(gamma(1.0)))
    folder.show("gray_on_rgb.png", plain, "PNG", "RGB pixels with a profile of gray: not used")


def tables(folder):
    ninth = grid(9)
    for name, pcs, tag, variant in [
        ("mft1_lab", b"Lab ", mft(b"mft1", lab_values(ninth, b"mft1"), 9), "mft1 to Lab"),
        ("mft2_lab", b"Lab ", mft(b"mft2", lab_values(ninth, b"mft2"), 9), "mft2 to Lab"),
        ("mft2_curves", b"XYZ ", mft(b"mft2", grid(9, power=1) * 32768 / 65535, 9, in_curve=lambda x: x**2.2, out_curve=lambda x: x, entries=1024), "mft2 to XYZ, with curves"),
        ("mab_lab", b"Lab ", mab(lab_values(ninth, b"mAB "), 9, a=gamma(1.1)), "mAB to Lab"),
        ("mab_bytes", b"Lab ", mab(lab_values(ninth, b"mAB "), 9, width=1), "mAB of 8 bits"),
        ("mab_matrix", b"XYZ ", mab(None, 0, m=gamma(2.2), matrix=[*(to_xyz("p3") * 32768 / 65535).flatten(), 0, 0, 0]), "mAB of a matrix alone"),
    ]:
        folder.png(name + ".png", profile([(b"A2B0", tag)], pcs=pcs, version=4 if name.startswith("mab") else 2, device=b"scnr"), "profile: " + variant)
    intents = [(b"A2B0", mft(b"mft2", lab_values(grid(9, power=1), b"mft2"), 9)), (b"A2B1", mft(b"mft2", lab_values(ninth, b"mft2"), 9))]
    folder.png("two_intents.png", profile(intents, pcs=b"Lab ", version=2, device=b"prtr"), "profile: a table for each intent: the colorimetric one")


def jpeg_parts(data, icc, order):
    """Puts a profile into a JPEG, in three parts, of which those of order are there."""
    size = len(icc) // 3 + 1
    parts = [icc[at : at + size] for at in range(0, len(icc), size)]
    framed = b""
    for i in order:
        payload = b"ICC_PROFILE\0" + bytes([i + 1, len(parts)]) + parts[i]
        framed += b"\xff\xe2" + struct.pack(">H", len(payload) + 2) + payload
    return data[:2] + framed + data[2:]


def bmp(image, icc):
    """A BMP with a header of version 5 that has a profile behind the pixels."""
    pixels = encoded(image, "BMP")[54:]
    head = struct.pack("<LllHHLLllLL", 124, image.width, image.height, 1, 24, 0, len(pixels), 2835, 2835, 0, 0)
    head += bytes(16) + b"DEBM" + bytes(48) + struct.pack("<LLLL", 4, 124 + len(pixels), len(icc), 0)
    return b"BM" + struct.pack("<LLL", 14 + 124 + len(pixels) + len(icc), 0, 14 + 124) + head + pixels + icc


def containers(folder):
    image = scene()
    jpeg = encoded(image, "JPEG", quality=95, subsampling=0)
    folder.turned("p3.jpg", encoded(image, "JPEG", quality=95, subsampling=0, icc_profile=P3), "JPEG", "profile: Display P3")
    folder.turned("p3_parts.jpg", jpeg_parts(jpeg, P3, [2, 0, 1]), "JPEG", "profile in three parts, out of order")
    folder.show("p3_part_missing.jpg", jpeg_parts(jpeg, P3, [0, 2]), "JPEG", "profile without one of its parts: not used", mean=0.5)
    folder.turned("gray.jpg", encoded(image.convert("L"), "JPEG", quality=95, icc_profile=gray(gamma(1.8))), "JPEG", "profile: gray")
    folder.show("cmyk.jpg", encoded(image.convert("CMYK"), "JPEG", quality=95, icc_profile=P3), "JPEG", "CMYK: mixed without its profile", mean=0.5)
    turned = image.getexif()
    turned[274] = 6
    folder.turned("p3_turned.jpg", encoded(image, "JPEG", quality=95, subsampling=0, icc_profile=P3, exif=turned), "JPEG", "profile and EXIF orientation")
    folder.turned("p3.tif", encoded(image, "TIFF", icc_profile=P3), "TIFF", "profile: Display P3")
    folder.turned("gray.tif", encoded(image.convert("L"), "TIFF", icc_profile=gray(gamma(1.8))), "TIFF", "profile: gray")
    folder.turned("p3.bmp", bmp(image, P3), "BMP", "profile: Display P3, header of version 5", P3)
    folder.turned("p3.webp", encoded(image, "WEBP", lossless=True, icc_profile=P3), "WebP", "profile: Display P3")
    veiled = image.copy()
    veiled.putalpha(Image.linear_gradient("L").resize(image.size))
    folder.turned("p3_alpha.png", encoded(veiled, "PNG", icc_profile=P3), "PNG", "profile, then transparency")
    folder.turned("p3_alpha.webp", encoded(veiled, "WEBP", lossless=True, exact=True, icc_profile=P3), "WebP", "profile, then transparency")
    folder.png("p3_palette.png", P3, "profile of a palette's colours", image.quantize(64))
    folder.png("gray_alpha.png", gray(gamma(1.8)), "profile of gray with transparency", veiled.convert("LA"))


def code_points(folder):
    """PNG's cICP, which Pillow does not read; the same colours by a profile are the reference."""
    plain, other = encoded(scene(), "PNG"), encoded(scene(), "PNG", icc_profile=by_matrix("adobe", gamma(1.0)))
    for name, data, fields, icc, variant in [
        ("cicp_p3", plain, (12, 13, 0, 1), P3, "code points: Display P3"),
        ("cicp_linear", plain, (1, 8, 0, 1), by_matrix("srgb", curv()), "code points: linear light"),
        ("cicp_2020", plain, (9, 13, 0, 1), by_matrix("rec2020", SRGB_CURVE), "code points: Rec. 2020"),
        ("cicp_first", other, (12, 13, 0, 1), P3, "code points beside a profile: these"),
    ]:
        data = data[:33] + chunk(b"cICP", bytes(fields)) + data[33:]
        folder.turned(name + ".png", data, "PNG", variant, icc)
    srgb = other[:33] + chunk(b"cICP", bytes((1, 13, 0, 1))) + other[33:]
    folder.show("cicp_srgb.png", srgb, "PNG", "code points: sRGB, beside another profile")


def heif(folder):
    """Profiles in HEIC and AVIF, and a HEIC whose numbers say Display P3."""
    pillow_heif.register_heif_opener()
    image = scene(64, 48).filter(ImageFilter.GaussianBlur(3))
    gamma_gray = gray(gamma(1.8))
    numbers = dict(save_nclx_profile=True, color_primaries=12, transfer_characteristics=13, matrix_coefficients=6, full_range_flag=1)
    folder.turned("p3.heic", encoded(image, "HEIF", quality=90, icc_profile=P3), "HEIC", "profile: Display P3")
    folder.turned("gray.heic", encoded(image.convert("L"), "HEIF", quality=90, icc_profile=gamma_gray), "HEIC", "profile: gray")
    folder.turned("numbers_p3.heic", encoded(image, "HEIF", quality=90, **numbers), "HEIC", "code points: Display P3", P3)
    folder.turned("p3.avif", encoded(image, "AVIF", quality=90, icc_profile=P3), "AVIF", "profile: Display P3", mean=1)
    folder.turned("gray.avif", encoded(image.convert("L"), "AVIF", quality=90, icc_profile=gamma_gray), "AVIF", "profile: gray", mean=1)


def unchanged(folder):
    """What must stay to the bit."""
    for name, icc, variant in [
        ("srgb_v4", by_matrix("srgb", SRGB_CURVE), "profile: sRGB, version 4"),
        ("srgb_v2", by_matrix("srgb", sampled(srgb_linear, 1024), 2), "profile: sRGB, version 2, curves of 1024 samples"),
        ("srgb_gray", gray(SRGB_CURVE), "profile: gray with sRGB's curve"),
        ("broken", P3[:200], "profile that is cut off: not used"),
        ("nonsense", b"no profile at all", "profile that is none: not used"),
        ("lab_space", profile([], b"Lab "), "profile of Lab: not used"),
        ("no_curves", profile([(b"rXYZ", b"XYZ \0\0\0\0" + fixed(1, 0, 0))]), "profile without curves: not used"),
    ]:
        image = scene().convert("L") if name == "srgb_gray" else scene()
        folder.show(name + ".png", encoded(image, "PNG", icc_profile=icc), "PNG", variant)
    out = encoded(scene(), "PNG")
    folder.show("gama.png", out[:33] + chunk(b"gAMA", struct.pack(">L", 100000)) + out[33:], "PNG", "gAMA: not used")


def main():
    folder = Profiles("profile")
    for part in (matrices, grays, tables, containers, code_points, heif, unchanged):
        part(folder)
    folder.close()


if __name__ == "__main__":
    main()
