#!/usr/bin/env python3
"""What: writes photographs of 12 megapixels, drawn from noise of all scales, as the kinds
that BenchmarkLarge of imaging decodes: those that C libraries read and, where there is
one, the nearest kind that is read in pure Go.

How to run: as reference.py says, with tifffile==2026.3.3 and imagecodecs==2026.3.6, then
    venv/bin/python scripts/imaging-variants/large.py FOLDER
    LARGE=FOLDER go test ./imaging -run '^$' -bench Large
"""

import io
import pathlib
import sys

import numpy
import pillow_heif
import tifffile
from PIL import Image

pillow_heif.register_heif_opener()


def photo(width=4000, height=3000):
    """Noise of all scales, the coarse ones stronger, as in photographs."""
    noise = numpy.random.default_rng(1)
    picture = numpy.zeros((height, width, 3), numpy.float32)
    for octave in range(2, 11):
        size = max(2, width >> (12 - octave)), max(2, height >> (12 - octave))
        for c in range(3):
            coarse = Image.fromarray(noise.normal(size=size[::-1]).astype(numpy.float32))
            picture[..., c] += numpy.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)) * 1.6**-octave
    picture = (picture - picture.mean()) / picture.std() * 50 + 128 + noise.normal(size=picture.shape) * 1.5  # grain
    return Image.fromarray(numpy.clip(picture, 0, 255).astype(numpy.uint8))


def encoded(image, format, **options):
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    image = photo()
    for name, options in (("baseline", {}), ("progressive", {"progressive": True})):
        data = encoded(image, "JPEG", quality=85, subsampling="4:2:0", **options)
        (folder / f"jpeg_{name}.jpg").write_bytes(data)
        (folder / f"jpeg_{name}_no_end.jpg").write_bytes(data[:-2])
    for packing in ("lzw", "deflate"):
        for name, big in (("classic", False), ("big", True)):
            tifffile.imwrite(folder / f"tiff_{packing}_{name}.tif", numpy.asarray(image), photometric="rgb", compression=packing, rowsperstrip=16, bigtiff=big)
    (folder / "avif.avif").write_bytes(encoded(image, "AVIF", quality=75, speed=9))
    pillow_heif.options.GRID_TILE_SIZE = 512
    (folder / "heic_tiles.heic").write_bytes(encoded(image, "HEIF", quality=60))


main()
