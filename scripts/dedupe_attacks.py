"""Attacked copies of pictures, as the Copydays set has them.

What: JPEG of low quality, a crop of 10 to 80 % of the area, another scale, and a strong
edit: painted over, printed, blurred, turned, without colour, or lit otherwise. Each attack
takes a picture and a random.Random and returns the bytes of a JPEG and the kind of attack.

How to run: dedupe_compare.py does.
"""

import io
import math

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

QUALITIES = (75, 50, 30, 20, 15, 10, 8, 5, 3)
CROPPED_PERCENT = (10, 15, 20, 30, 40, 50, 60, 70, 80)
SCALES = (0.75, 0.5, 0.35, 0.25)
# A crop that leaves less than half is told of by itself.
HARD_CROP_PERCENT = 60

SAVED_QUALITY = 90


def jpeg(picture, chance):
    """Returns the picture's JPEG of low quality."""
    quality = chance.choice(QUALITIES)
    return saved(picture, quality), "jpeg"


def crop(picture, chance):
    """Returns a part of the picture: of its area 10 to 80 % are cut off."""
    percent = chance.choice(CROPPED_PERCENT)
    share = math.sqrt(1 - percent / 100)
    width, height = (max(1, round(side * share)) for side in picture.size)
    left, top = chance.randint(0, picture.width - width), chance.randint(0, picture.height - height)
    part = picture.crop((left, top, left + width, top + height))
    return saved(part), "crop-hard" if percent >= HARD_CROP_PERCENT else "crop"


def scale(picture, chance):
    """Returns the picture smaller."""
    factor = chance.choice(SCALES)
    size = tuple(max(1, round(side * factor)) for side in picture.size)
    return saved(picture.resize(size, Image.Resampling.LANCZOS)), "scale"


def strong(picture, chance):
    """Returns the picture strongly edited."""
    edit = chance.choice((painted, printed, blurred, turned, grey, lit))
    return saved(edit(picture, chance)), "strong"


ATTACKS = (jpeg, crop, scale, strong)


def painted(picture, chance):
    """Paints shapes and words over about a fifth of the picture."""
    own = picture.copy()
    draw = ImageDraw.Draw(own)
    width, height = own.size
    for _ in range(4):
        w, h = width * chance.uniform(0.15, 0.3), height * chance.uniform(0.15, 0.3)
        x, y = chance.uniform(0, width - w), chance.uniform(0, height - h)
        colour = tuple(chance.randrange(256) for _ in range(3))
        chance.choice((draw.rectangle, draw.ellipse))((x, y, x + w, y + h), fill=colour)
    draw.text((width * 0.1, height * 0.8), "COPY", fill=(255, 255, 0), font_size=max(10, height // 6))
    return own


def printed(picture, chance):
    """Makes the picture as a scan of a print: askew, pale, with a cast, soft and noisy."""
    width, height = picture.size

    def near(x, y):
        return x + width * chance.uniform(-0.04, 0.04), y + height * chance.uniform(-0.04, 0.04)

    corners = [near(*corner) for corner in ((0, 0), (0, height), (width, height), (width, 0))]
    flat = tuple(number for corner in corners for number in corner)
    own = picture.transform(picture.size, Image.Transform.QUAD, flat, Image.Resampling.BICUBIC)
    own = ImageEnhance.Contrast(own.filter(ImageFilter.GaussianBlur(max(own.size) / 300))).enhance(0.65)
    pixels = np.asarray(own, dtype=np.float32) * (1.05, 1.0, 0.85) + 12
    pixels += np.random.default_rng(chance.randrange(1 << 30)).normal(0, 8, pixels.shape)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def blurred(picture, chance):
    """Blurs the picture."""
    return picture.filter(ImageFilter.GaussianBlur(max(picture.size) / chance.uniform(50, 100)))


def turned(picture, chance):
    """Turns the picture by some degrees."""
    return picture.rotate(chance.choice((-1, 1)) * chance.uniform(4, 12), Image.Resampling.BICUBIC, expand=True)


def grey(picture, _):
    """Takes the picture's colours."""
    return ImageOps.grayscale(picture).convert("RGB")


def lit(picture, chance):
    """Makes the picture lighter or darker, with less colour."""
    return ImageEnhance.Color(ImageEnhance.Brightness(picture).enhance(chance.choice((0.5, 1.6)))).enhance(0.5)


def saved(picture, quality=SAVED_QUALITY):
    """Returns a JPEG file."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return file.getvalue()
