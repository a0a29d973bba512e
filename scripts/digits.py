#!/usr/bin/env python3
"""What: writes the handwritten digits that scikit-learn ships (1,797 real
      pictures of 8x8 pixels, 10 classes; UCI Optical Recognition of Handwritten
      Digits, CC BY 4.0) as a folder of classes, to try training on own data.
How to run: pip install scikit-learn==1.7.2 pillow, then
      scripts/digits.py OUT
      siamese train --data OUT --run runs/digits --split class ...
"""

import pathlib
import sys

import numpy
from PIL import Image
from sklearn.datasets import load_digits


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} OUT")
    out = pathlib.Path(sys.argv[1])
    digits = load_digits()
    for number, (picture, label) in enumerate(zip(digits.images, digits.target)):
        folder = out / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        # Levels are 0 (paper) to 16 (ink): dark ink on white paper, as files are.
        levels = numpy.rint(255 - picture * 255 / 16).astype(numpy.uint8)
        Image.fromarray(levels).save(folder / f"{number:04d}.png")
    print(f"{out}: {len(digits.target)} pictures of {len(set(digits.target))} digits")


if __name__ == "__main__":
    main()
