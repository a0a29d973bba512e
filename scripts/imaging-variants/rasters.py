"""What: what bmp.py, gif.py and png.py share. How to run: see reference.py; they need
opencv-python-headless 5.0.0 too."""

import cv2
import numpy
from PIL import Image

from reference import ROOT

OPENCV = "5.0.0"
assert cv2.__version__ == OPENCV, f"OpenCV is {cv2.__version__}, expected {OPENCV}"


def by_opencv(data):
    """Encoded image -> RGB on white, as OpenCV has it."""
    pixels = cv2.imdecode(numpy.frombuffer(data, numpy.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels is not None and pixels.dtype == numpy.uint8, "OpenCV shows nothing"
    if pixels.ndim == 2:
        return Image.fromarray(pixels).convert("RGB")
    if pixels.shape[2] == 3:
        return Image.fromarray(pixels[:, :, ::-1].copy())
    straight = Image.fromarray(pixels[:, :, [2, 1, 0, 3]].copy(), "RGBA")
    paper = Image.new("RGB", straight.size, (255, 255, 255))
    paper.paste(straight, mask=straight.getchannel("A"))
    return paper


def given(folder, names):
    """Files of a folder that no script makes, by name; to be read before it is written."""
    return {name: (ROOT / folder / name).read_bytes() for name in names}


def colour(x, y):
    """A picture's pixel, by whole-number arithmetic: slopes, edges and a corner of white."""
    if x > 16 and y < 4:
        return 255, 255, 255
    return (x * 10) % 256, (y * 13 + 20) % 256, 200 * ((x // 4 + y // 3) % 2) + x


def picture(width, height, of=colour):
    """The picture itself, where no other program shows what was made of it."""
    image = Image.new("RGB", (width, height))
    image.putdata([of(x, y) for y in range(height) for x in range(width)])
    return image


def palette(count):
    """Colours that differ from each other."""
    return [((i * 53 + 20) % 256, (i * 91 + 60) % 256, (i * 17 + 5) % 256) for i in range(count)]
