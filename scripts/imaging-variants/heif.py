#!/usr/bin/env python3
"""What: writes testdata/imaging/variants/heic and avif. How to run: see reference.py,
with pillow-heif==1.8.1 beside Pillow, which encodes and shows HEIC; AVIF is Pillow's."""

import io
import struct

import numpy
import pillow_heif
from PIL import Image

from reference import ROOT, Folder

BY = "pillow-heif 1.8.1"
pillow_heif.register_heif_opener()


def scene(width, height, mode="RGB"):
    """A picture with slopes and edges, by whole-number arithmetic."""
    image = Image.new("RGBA", (width, height))
    image.putdata([((x * 5 + y) % 256, (y * 7) % 256, 255 * ((x // 8 + y // 8) % 2), min(255, 4 * (x + y))) for y in range(height) for x in range(width)])
    return image.convert(mode)


def encoded(image, format, **options):
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def deep(bits):
    """A HEIC of samples of 10 or 12 bits."""
    pillow_heif.options.SAVE_HDR_TO_12_BIT = bits == 12
    samples = numpy.array(scene(45, 35)).astype(numpy.uint16) * 257
    out = io.BytesIO()
    pillow_heif.from_bytes(mode="RGB;16", size=(45, 35), data=samples.tobytes()).save(out, quality=80)
    return out.getvalue()


def second_of_two():
    """A HEIC whose primary picture is the second."""
    images = pillow_heif.from_pillow(scene(45, 35))
    images.add_from_pillow(scene(40, 30).transpose(Image.Transpose.ROTATE_180))
    out = io.BytesIO()
    images.save(out, quality=80, primary_index=1)
    return out.getvalue()


def tiled():
    """A HEIC in tiles of 64x64."""
    pillow_heif.options.GRID_TILE_SIZE = 64
    data = encoded(scene(100, 70), "HEIF", quality=80)
    pillow_heif.options.GRID_TILE_SIZE = 0
    return data


def orientation_of(orientation):
    """EXIF that an encoder of HEIF turns into irot and imir."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def turned(orientation):
    """A HEIC with irot and imir; pillow-heif's plugin for Pillow writes none."""
    images = pillow_heif.from_pillow(scene(40, 30))
    images[0].info["exif"] = orientation_of(orientation).tobytes()
    out = io.BytesIO()
    images.save(out, quality=80)
    data = out.getvalue()
    assert b"irot" in data or b"imir" in data
    return data


def film():
    """The beginning of an MP4."""
    return struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"isom", 512, b"isom", b"mp41") + struct.pack(">I4s", 8, b"mdat")


def heic():
    folder = Folder("heic")

    def show(name, data, words):
        folder.show(name, data, "heic", words, 1, by=BY)

    for chroma in 420, 422, 444:
        show(f"chroma_{chroma}.heic", encoded(scene(45, 35), "HEIF", quality=80, chroma=chroma), f"HEVC, chroma {chroma}, odd sides")
    show("gray.heic", encoded(scene(45, 35, "L"), "HEIF", quality=80), "gray")
    show("alpha.heic", encoded(scene(45, 35, "RGBA"), "HEIF", quality=80), "transparency in a picture of its own")
    show("gray_alpha.heic", encoded(scene(45, 35, "LA"), "HEIF", quality=80), "gray with transparency")
    for bits in 10, 12:
        show(f"bits_{bits}.heic", deep(bits), f"samples of {bits} bits")
    for matrix in 0, 1, 9:
        show(f"matrix_{matrix}.heic", encoded(scene(45, 35), "HEIF", quality=80, chroma=444, matrix_coefficients=matrix), f"colours by matrix {matrix}")
    show("limited.heic", encoded(scene(45, 35), "HEIF", quality=80, full_range_flag=0), "samples of limited range")
    for orientation in range(2, 9):
        show(f"turned_{orientation}.heic", turned(orientation), f"irot and imir that stand for orientation {orientation}")
    show("tiles.heic", tiled(), "a grid of tiles that reach beyond the picture")
    show("second.heic", second_of_two(), "two pictures, the second is the primary one")
    show("fmt_heic.heic", (ROOT.parent / "given/fmt_heic.heic").read_bytes(), "a small file of another origin")
    folder.refuse("cut_off.heic", encoded(scene(45, 35), "HEIF", quality=80)[:-100], "heic", "cut off (the reference refuses it too)", "of an item of")
    folder.refuse("film.mp4", film(), "heic", "a film, MP4 or MOV", "an MP4 film")
    folder.close()


def avif():
    folder = Folder("avif")

    def show(name, data, words):
        folder.show(name, data, "avif", words, 1)

    for chroma in "4:2:0", "4:2:2", "4:4:4", "4:0:0":
        show(f"chroma_{chroma.replace(':', '')}.avif", encoded(scene(45, 35), "AVIF", quality=80, subsampling=chroma), f"AV1, chroma {chroma}, odd sides")
    show("lossless.avif", encoded(scene(45, 35), "AVIF", quality=100, subsampling="4:4:4"), "of the highest quality")
    show("gray.avif", encoded(scene(45, 35, "L"), "AVIF", quality=80), "gray")
    show("alpha.avif", encoded(scene(45, 35, "RGBA"), "AVIF", quality=80), "transparency in a picture of its own")
    show("premultiplied.avif", encoded(scene(45, 35, "RGBA"), "AVIF", quality=80, alpha_premultiplied=True), "colours with transparency multiplied in")
    show("limited.avif", encoded(scene(45, 35), "AVIF", quality=80, range="limited"), "samples of limited range")
    for orientation in range(2, 9):
        show(f"turned_{orientation}.avif", encoded(scene(40, 30), "AVIF", quality=80, exif=orientation_of(orientation)), f"irot and imir that stand for orientation {orientation}")
    for mode in "RGB", "RGBA":
        more = [scene(45, 35, mode).transpose(Image.Transpose.ROTATE_180)]
        show(f"sequence_{mode.lower()}.avif", encoded(scene(45, 35, mode), "AVIF", quality=80, save_all=True, append_images=more), f"a sequence, {mode}: the first picture")
    show("fmt_avif.avif", (ROOT.parent / "given/fmt_avif.avif").read_bytes(), "a small file of another origin")
    folder.refuse("cut_off.avif", encoded(scene(45, 35), "AVIF", quality=80)[:-100], "avif", "cut off (Pillow refuses it too)", "of an item of")
    folder.close()


heic()
avif()
