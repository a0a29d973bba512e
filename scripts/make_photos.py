"""Makes the photo-like test pictures of testdata/photos.

What: paints coloured pictures with soft light, texture and sensor noise from seeded
random numbers, in the formats, modes and side ratios that a caller may send: JPEG, WebP,
PNG with alpha, plain and grey PNG, larger and smaller than the network's input. The
pictures are this script's own work, so they may be passed on freely.

How to run (Python 3.11 or newer, the packages of scripts/requirements-keras.txt, of which
it uses numpy and pillow):

    python3 scripts/make_photos.py
    python3 scripts/make_photos.py --out /data/photos --seed 2

The pixels follow from the seed and numpy; the bytes of the JPEG and WebP files also
follow from the version of Pillow and of the encoders in it.
"""

import argparse
import pathlib

import numpy as np
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parent.parent

SKY, HAZE = (96, 150, 214), (232, 226, 208)
DUSK, EMBER = (70, 62, 120), (246, 168, 110)
TABLE, WALL = (128, 92, 64), (206, 198, 182)

# Noise of a whole step or two of 255 looks like a sensor's and still lets PNG compress.
SENSOR_NOISE = 1.0


def smooth_noise(rng, height, width, cells):
    """Returns float [height,width] in 0..1: random cells, enlarged bicubically."""
    coarse = Image.fromarray(rng.random((cells, cells), dtype=np.float32))
    return np.clip(np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)), 0, 1)


def blend(low, high, share):
    """Mixes two colours by share [height,width]; returns float [height,width,3]."""
    share = share[..., None]
    return np.float32(low) * (1 - share) + np.float32(high) * share


def to_bytes(rng, picture):
    """Adds sensor noise and rounds to uint8."""
    noisy = picture + rng.normal(0, SENSOR_NOISE, picture.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def landscape(rng, width, height, top=SKY, bottom=HAZE):
    """Paints sky, sun and four ranges of hills, the nearer the darker."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / height
    picture = blend(top, bottom, np.clip(1.6 * y, 0, 1))
    picture += 26 * (smooth_noise(rng, height, width, 7) - 0.5)[..., None]
    sun = np.exp(-((x - rng.uniform(0.3, 1.0)) ** 2 + (y - 0.25) ** 2) / 0.006)
    picture += sun[..., None] * np.float32((110, 100, 60))
    for depth in range(4):
        waves = sum(np.sin(x * rng.uniform(2, 9) + rng.uniform(0, 6)) * rng.uniform(0.01, 0.05) for _ in range(3))
        hill = y > 0.45 + 0.14 * depth + waves
        grass = blend((40, 66, 36), (118, 140, 70), smooth_noise(rng, height, width, 14 + 10 * depth))
        picture[hill] = (grass * (0.25 + 0.25 * depth) + np.float32(bottom) * (0.5 - 0.15 * depth))[hill]
    return to_bytes(rng, picture)


def still_life(rng, width, height, balls=5):
    """Paints shaded balls on a table before a wall."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    picture = blend(WALL, (150, 146, 140), x / width)
    grain = smooth_noise(rng, height, width, 24)
    edge = 0.55 * height
    picture[y > edge] = blend(TABLE, (168, 126, 88), grain)[y > edge]
    for i in range(balls):
        radius = min(width, height) * rng.uniform(0.10, 0.18)
        centre_x = width * (i + 0.5 + rng.uniform(-0.2, 0.2)) / balls
        centre_y = edge + rng.uniform(-0.1, 0.25) * height
        shadow = ((x - centre_x - 0.5 * radius) / 1.3) ** 2 + ((y - centre_y - radius) / 0.35) ** 2
        picture *= (1 - 0.45 * np.exp(-shadow / radius**2))[..., None]
        inside = np.hypot(x - centre_x, y - centre_y) < radius
        light = np.hypot(x - centre_x + 0.4 * radius, y - centre_y + 0.4 * radius) / (1.6 * radius)
        colour = rng.uniform(70, 240, 3)
        picture[inside] = blend(colour + 60, colour * 0.35, np.clip(light, 0, 1))[inside]
    return to_bytes(rng, picture)


def leaf(rng, width, height):
    """Paints a leaf whose edge fades to nothing; returns uint8 RGBA.

    The colour goes on where alpha is 0, so dropping alpha and compositing differ."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    v = 2 * y / height - 1
    half = 0.42 * width * np.clip(1 - v**2, 0, 1) ** 0.8
    side = np.abs(x - width / 2)
    body = blend((44, 96, 40), (140, 176, 66), smooth_noise(rng, height, width, 9))
    veins = (np.abs((v * 9 + side / width * 10) % 1 - 0.5) > 0.44) | (side < 1.5)
    body[veins] *= 0.7
    alpha = np.clip((half - side) / 6, 0, 1) * 255
    return np.rint(np.dstack([body, alpha])).astype(np.uint8)


def grey(picture):
    """Returns the picture's lightness as Pillow weighs it, uint8 [height,width]."""
    return np.asarray(Image.fromarray(picture).convert("L"))


def paint(seed):
    """Returns name → (pixels, save options); every picture has a random stream of its own."""
    streams = iter(np.random.default_rng(seed).spawn(9))
    return {
        "hills.jpg": (landscape(next(streams), 640, 480), {"quality": 82}),
        "hills_dusk.jpg": (landscape(next(streams), 640, 480, DUSK, EMBER), {"quality": 82}),
        "leaf.png": (leaf(next(streams), 200, 300), {"optimize": True}),
        "balls.webp": (still_life(next(streams), 360, 360), {"quality": 80}),
        # Plain and grey PNGs: their pixels are the same for every decoder. The sides are
        # chosen so that the crop's half pixel rounds to even downwards (244x162, 62x84)
        # and upwards (150x240), and so that the longer side is truncated (200x133).
        "valley.png": (landscape(next(streams), 244, 162), {"optimize": True}),
        "shelf.png": (still_life(next(streams), 150, 240, balls=3), {"optimize": True}),
        "ridge_grey.png": (grey(landscape(next(streams), 200, 133)), {"optimize": True}),
        "marble.png": (still_life(next(streams), 62, 84, balls=1), {"optimize": True}),
        "panorama.png": (landscape(next(streams), 480, 60, DUSK, EMBER), {"optimize": True}),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "testdata/photos", help="folder to write to")
    parser.add_argument("--seed", type=int, default=1, help="another seed paints other pictures (default 1)")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name, (pixels, options) in paint(args.seed).items():
        Image.fromarray(pixels).save(args.out / name, **options)
        print(f"{args.out / name}: {pixels.shape[1]}x{pixels.shape[0]}, {(args.out / name).stat().st_size} bytes")


if __name__ == "__main__":
    main()
