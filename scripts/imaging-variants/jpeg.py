#!/usr/bin/env python3
"""What: writes testdata/imaging/variants/jpeg. How to run: see reference.py."""

import io

from PIL import Image

from reference import Folder


def scene(width, height):
    """A picture with slopes and edges, by whole-number arithmetic."""
    image = Image.new("RGB", (width, height))
    image.putdata([((x * 5 + y) % 256, (y * 7) % 256, 255 * ((x // 8 + y // 8) % 2)) for y in range(height) for x in range(width)])
    return image


def encoded(image, **options):
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


folder = Folder("jpeg")
folder.show("baseline_420.jpg", encoded(scene(61, 47), quality=90, subsampling=2), "JPEG", "baseline, 4:2:0", mean=0.5)
folder.close()
